import type { LoadBalancerPolicy } from '@steelyard/core/model';

export type PolicyName = 'steelyard_random' | 'steelyard_round_robin' | 'steelyard_least_request';

/** What a service config calls our policies. */
export const POLICY_NAMES: readonly PolicyName[] = [
  'steelyard_random',
  'steelyard_round_robin',
  'steelyard_least_request',
];

const DEFAULT_CHOICE_COUNT = 2;

/** `choice_count` is a uint32 (gRFC A48). */
const MAX_CHOICE_COUNT = 2 ** 32 - 1;

/**
 * Reads the configuration of one policy, as it stands in a service config. RANDOM and ROUND_ROBIN have no fields,
 * LEAST_REQUEST may have `choiceCount` (at least 2, default 2; gRFC A48). Unknown fields are ignored, as gRPC does with
 * the fields of a newer version.
 *
 * @throws TypeError saying which field is wrong; grpc-js puts the policy's name before it, and goes on to the next entry
 *   of the list, finally to pick_first
 */
export function parsePolicyConfig(name: PolicyName, json: unknown): LoadBalancerPolicy {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new TypeError(`the configuration is ${JSON.stringify(json)}; it must be an object, such as {}`);
  }
  switch (name) {
    case 'steelyard_random':
      return { kind: 'RANDOM' };
    case 'steelyard_round_robin':
      return { kind: 'ROUND_ROBIN' };
    case 'steelyard_least_request': {
      const choiceCount: unknown = 'choiceCount' in json ? json.choiceCount : DEFAULT_CHOICE_COUNT;
      if (
        typeof choiceCount !== 'number' ||
        !Number.isInteger(choiceCount) ||
        choiceCount < 2 ||
        choiceCount > MAX_CHOICE_COUNT
      ) {
        throw new TypeError(`choiceCount is ${JSON.stringify(choiceCount)}; it must be a whole number of at least 2`);
      }
      return { kind: 'LEAST_REQUEST', choiceCount };
    }
    default:
      return unknownPolicy(name);
  }
}

/** The parsed configuration of one of our policies, as grpc-js hands it to the balancer. */
export class PolicyConfig {
  readonly policy: LoadBalancerPolicy;

  constructor(policy: LoadBalancerPolicy) {
    this.policy = policy;
  }

  getLoadBalancerName(): PolicyName {
    return policyName(this.policy);
  }

  /** As an entry of `loadBalancingConfig`: `{"steelyard_random": {}}`. */
  toJsonObject(): Readonly<Record<string, object>> {
    const fields = this.policy.kind === 'LEAST_REQUEST' ? { choiceCount: this.policy.choiceCount } : {};
    return { [this.getLoadBalancerName()]: fields };
  }

  equals(other: PolicyConfig): boolean {
    return JSON.stringify(this.toJsonObject()) === JSON.stringify(other.toJsonObject());
  }
}

function policyName(policy: LoadBalancerPolicy): PolicyName {
  switch (policy.kind) {
    case 'RANDOM':
      return 'steelyard_random';
    case 'ROUND_ROBIN':
      return 'steelyard_round_robin';
    case 'LEAST_REQUEST':
      return 'steelyard_least_request';
    default:
      return unknownPolicy(policy);
  }
}

function unknownPolicy(policy: never): never {
  throw new TypeError(`there is no load balancing policy ${JSON.stringify(policy)}`);
}

/**
 * The service config that selects a policy, as JSON text for the channel option `grpc.service_config`. Call `register`
 * before a channel is made with it.
 */
export function serviceConfigFor(policy: LoadBalancerPolicy): string {
  return JSON.stringify({ loadBalancingConfig: [new PolicyConfig(policy).toJsonObject()] });
}
