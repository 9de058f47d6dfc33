import type { ResolvedServiceConfig } from '../grpc-api.ts';
import { policyProblem } from '../grpc-api.ts';
import type { PolicyConfig } from '../balance/policy-config.ts';
import { TargetError } from './target-error.ts';
import { defaultPolicy } from './target-policy.ts';

type ServiceConfig = Extract<NonNullable<ResolvedServiceConfig>, { ok: true }>['value'];
type MethodConfig = ServiceConfig['methodConfig'][number];

/**
 * What a resolver hands over as service config. grpc-js takes one of the resolver's *instead of* the channel's, so that
 * deadlines and retries of `grpc.service_config` are carried over where only the policy is another.
 *
 * @param own the policy that the target asks for; it goes before the channel's
 * @param channelText `grpc.service_config`, which grpc-js has checked when the channel was made
 * @returns `null` when the channel's own says all there is to say
 * @throws TargetError when it names policies, and none of them can be had
 */
export function composeServiceConfig(
  own: PolicyConfig | undefined,
  channelText: string | undefined,
): ResolvedServiceConfig {
  const channel: unknown = channelText === undefined ? {} : JSON.parse(channelText);
  const list = fieldOf(channel, 'loadBalancingConfig');
  if (own === undefined && Array.isArray(list) && list.length > 0) {
    const problem = policyProblem(list);
    if (problem !== undefined) throw new TargetError(`the service config names no policy that can be had: ${problem}`);
    return null;
  }
  const policy = own ?? defaultPolicy();
  const methods = fieldOf(channel, 'methodConfig');
  const throttling = fieldOf(channel, 'retryThrottling');
  const value: ServiceConfig = {
    loadBalancingConfig: [policy.toJsonObject()],
    methodConfig: Array.isArray(methods) ? methods.filter(isMethodConfig).map(withTimeout) : [],
    ...(isThrottling(throttling) && { retryThrottling: throttling }),
  };
  return { ok: true, value };
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function isMethodConfig(value: unknown): value is MethodConfig {
  return Array.isArray(fieldOf(value, 'name'));
}

function isThrottling(value: unknown): value is NonNullable<ServiceConfig['retryThrottling']> {
  return typeof fieldOf(value, 'maxTokens') === 'number' && typeof fieldOf(value, 'tokenRatio') === 'number';
}

/** In JSON a timeout is a text; grpc-js goes on with its seconds and nanoseconds. */
function withTimeout(method: MethodConfig): MethodConfig {
  const timeout: unknown = method.timeout;
  if (typeof timeout !== 'string') return method;
  const [seconds = '0', fraction = ''] = timeout.replace(/s$/, '').split('.');
  return { ...method, timeout: { seconds: Number(seconds), nanos: Number(fraction.padEnd(9, '0')) } };
}
