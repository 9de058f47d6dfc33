import type { Balanced, Picker, Random, WeightedRoundRobinOptions } from '@steelyard/core/balance';
import {
  createPeakEwmaPicker,
  createPicker,
  createSlowStartPicker,
  createWeightedRoundRobinPicker,
  createZoneAwarePicker,
  DEFAULT_SLOW_START,
} from '@steelyard/core/balance';
import type { WeightsEvent } from '../events.ts';
import { areWeightsWatched, publishWeights } from '../events.ts';
import type { EndpointChild } from './endpoint-child.ts';
import type { BalancerConfig, BalancerPolicy } from './policy-config.ts';
import { unknownPolicy } from './policy-config.ts';

/** What policies look at. */
export type Choosable = Pick<
  EndpointChild,
  'key' | 'zone' | 'activeRequests' | 'latency' | 'backendWeight' | 'startedAtMs'
>;

/**
 * The picker of a configuration over the endpoints that take calls now: the policy, within the zone, newcomers sparing.
 *
 * @param previous the one before it, of whatever configuration: where little has changed, hashing starts from there
 */
export function createPolicyPicker<T extends Choosable>(
  config: BalancerConfig,
  endpoints: readonly T[],
  random: Random,
  now: () => number,
  target: string,
  previous?: Picker<Balanced>,
): Picker<T> {
  const { policy, zone, slowStartMs } = config;
  const inner = (members: readonly T[], before?: Picker<Balanced>): Picker<T> =>
    createInner(policy, members, random, now, target, before);
  const zoned =
    zone === undefined ? inner(endpoints, previous) : createZoneAwarePicker(endpoints, zone, inner, random, previous);
  if (slowStartMs === undefined) return zoned;
  return createSlowStartPicker(zoned, endpoints, { ...DEFAULT_SLOW_START, windowMs: slowStartMs }, random, now);
}

function createInner<T extends Choosable>(
  policy: BalancerPolicy,
  endpoints: readonly T[],
  random: Random,
  now: () => number,
  target: string,
  previous: Picker<Balanced> | undefined,
): Picker<T> {
  switch (policy.kind) {
    case 'PEAK_EWMA':
      return createPeakEwmaPicker(endpoints, random, now);
    case 'WEIGHTED_ROUND_ROBIN':
      return createWeightedRoundRobinPicker(endpoints, policy.options, random, now, (weights) => {
        if (areWeightsWatched()) publishWeights(weightsEvent(target, endpoints, weights, policy.options, now()));
      });
    case 'RANDOM':
    case 'ROUND_ROBIN':
    case 'LEAST_REQUEST':
    case 'RING_HASH':
    case 'MAGLEV':
      return createPicker(policy, endpoints, random, previous);
    default:
      return unknownPolicy(policy);
  }
}

function weightsEvent(
  target: string,
  endpoints: readonly Choosable[],
  weights: readonly number[],
  options: WeightedRoundRobinOptions,
  nowMs: number,
): WeightsEvent {
  const stale = endpoints.filter(({ backendWeight }) => backendWeight.isStale(options, nowMs)).length;
  const unusable = weights.filter((weight) => weight === 0).length;
  return { target, weights, stale, notYetUsable: unusable - stale };
}
