import type { LocalityGroup } from '../model/snapshot.ts';
import { OVERPROVISIONING } from './cluster-picker.ts';

/**
 * The endpoints that a picker is to be made of: the healthy ones, unless so few are left that they could not bear the load.
 * Envoy's panic threshold, which is what `minHealthPercent` is to Istio: a priority with a smaller share of healthy
 * endpoints is used whole, sick ones and all, except while all priorities together are as good as whole.
 *
 * @param minHealthPercent 0 to 100; 0: never
 * @returns beside `endpoints`: `undefined` is one not to be used now
 */
export function healthyPool<T>(
  endpoints: readonly T[],
  isHealthy: (endpoint: T) => boolean,
  localities: readonly LocalityGroup[] | undefined,
  minHealthPercent: number,
): readonly (T | undefined)[] {
  const healthy = endpoints.map((endpoint) => (isHealthy(endpoint) ? endpoint : undefined));
  if (minHealthPercent <= 0 || !healthy.includes(undefined)) return healthy;
  const levels = levelsOf(endpoints.length, localities);
  const shares = levels.map(
    (level) => level.filter((at) => healthy[at] !== undefined).length / Math.max(1, level.length),
  );
  const whole = shares.reduce((sum, share) => sum + Math.min(1, OVERPROVISIONING * share), 0);
  if (whole >= 1) return healthy;
  const pool = [...healthy];
  for (const [index, level] of levels.entries()) {
    if ((shares[index] ?? 0) * 100 >= minHealthPercent) continue;
    for (const at of level) pool[at] = endpoints[at];
  }
  return pool;
}

/** Indexes of endpoints by priority. */
function levelsOf(count: number, localities: readonly LocalityGroup[] | undefined): readonly (readonly number[])[] {
  if (localities === undefined) return [Array.from({ length: count }, (_, index) => index)];
  const levels = new Map<number, number[]>();
  for (const { priority, members } of localities) levels.set(priority, [...(levels.get(priority) ?? []), ...members]);
  return [...levels.values()];
}
