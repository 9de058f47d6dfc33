import type { Random } from '@steelyard/core/balance';
import { EndpointBalancer } from './endpoint-balancer.ts';
import type { ChannelControlHelper } from './grpc-api.ts';
import { registerLoadBalancerType } from './grpc-api.ts';
import type { PolicyName } from './policy-config.ts';
import { PolicyConfig, POLICY_NAMES, parsePolicyConfig } from './policy-config.ts';

export interface RegisterOptions {
  /** Uniform in [0, 1); default `Math.random`. One generator for all channels. */
  readonly random?: Random;
}

/**
 * Makes `steelyard_random`, `steelyard_round_robin` and `steelyard_least_request` known to grpc-js, for all channels of
 * this process that are made afterwards. A channel uses one when its service config names it (`serviceConfigFor`).
 * Calling it again replaces the registration.
 */
export function register(options: RegisterOptions = {}): void {
  const random = options.random ?? Math.random;
  for (const name of POLICY_NAMES) registerLoadBalancerType(name, balancerClass(name, random), configClass(name));
}

function balancerClass(name: PolicyName, random: Random): new (helper: ChannelControlHelper) => EndpointBalancer {
  return class extends EndpointBalancer {
    constructor(helper: ChannelControlHelper) {
      super(helper, name, random);
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
