import type { Random } from '@steelyard/core/balance';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { BalancerEnvironment } from './balance/endpoint-balancer.ts';
import { EndpointBalancer } from './balance/endpoint-balancer.ts';
import type { ChannelControlHelper } from './grpc-api.ts';
import { registerLoadBalancerType, registerResolver } from './grpc-api.ts';
import { planHeadless } from './headless/headless-scheme.ts';
import { planKubernetes } from './k8s/k8s-scheme.ts';
import type { PolicyName } from './balance/policy-config.ts';
import { PolicyConfig, POLICY_NAMES, parsePolicyConfig } from './balance/policy-config.ts';
import { SharedWatches } from './targets/shared-watches.ts';
import { createResolverClass } from './targets/watch-resolver.ts';

export interface RegisterOptions {
  /** Uniform in [0, 1); default `Math.random`. One generator for all channels. */
  readonly random?: Random;
  /** Default the machine's. */
  readonly clock?: Clock;
}

const headlessWatches = new SharedWatches();
const kubernetesWatches = new SharedWatches();

/**
 * Makes the policies `steelyard_…` and the schemes `headless:` and `k8s:` known to grpc-js, for all channels of this process that are
 * made afterwards. A channel uses a policy when its target (`?lb=`) or its service config (`serviceConfigFor`) names it;
 * behind these the default is least_request. Calling it again replaces the registration.
 */
export function register(options: RegisterOptions = {}): void {
  const { random = Math.random, clock = systemClock } = options;
  const environment = { random, clock };
  for (const name of POLICY_NAMES) registerLoadBalancerType(name, balancerClass(name, environment), configClass(name));
  registerResolver(
    'headless',
    createResolverClass({
      plan: (target) => planHeadless(target, clock, random),
      watches: headlessWatches,
      environment: process.env,
    }),
  );
  registerResolver(
    'k8s',
    createResolverClass({
      plan: (target, decided) => planKubernetes(target, decided, clock, random, process.env),
      watches: kubernetesWatches,
      environment: process.env,
    }),
  );
}

function balancerClass(
  name: PolicyName,
  environment: BalancerEnvironment,
): new (helper: ChannelControlHelper) => EndpointBalancer {
  return class extends EndpointBalancer {
    constructor(helper: ChannelControlHelper) {
      super(helper, name, environment);
    }
  };
}

function configClass(name: PolicyName): typeof PolicyConfig & { createFromJson(json: unknown): PolicyConfig } {
  return class extends PolicyConfig {
    static createFromJson(json: unknown): PolicyConfig {
      return new PolicyConfig(parsePolicyConfig(name, json));
    }
  };
}
