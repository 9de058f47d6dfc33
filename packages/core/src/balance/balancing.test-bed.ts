import assert from 'node:assert/strict';
import { BackendWeight } from './backend-weight.ts';
import { chiSquareTest } from './chi-square.ts';
import { LatencyEstimate } from './latency-estimate.ts';
import type { Picker } from './picker.ts';
import { DEFAULT_WEIGHTED_ROUND_ROBIN } from './weighted-round-robin.ts';
import type { SlowStartOptions } from './slow-start.ts';

export interface Pod {
  readonly index: number;
  readonly zone: string | undefined;
  readonly latency: LatencyEstimate;
  readonly backendWeight: BackendWeight;
  startedAtMs: number;
  activeRequests: number;
}

export const LATENCY = { decayMs: 10_000, initialMs: 30, failureMs: 5000 };
export const AT_ONCE = { ...DEFAULT_WEIGHTED_ROUND_ROBIN, blackoutPeriodMs: 0 };

export function podsOf(count: number, zoneOf: (index: number) => string | undefined = () => undefined): Pod[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    zone: zoneOf(index),
    latency: new LatencyEstimate(LATENCY, 0),
    backendWeight: new BackendWeight(),
    startedAtMs: 0,
    activeRequests: 0,
  }));
}

export function countPicks(picker: Picker<Pod>, count: number, picks: number): number[] {
  const counts = Array.from({ length: count }, () => 0);
  for (let pick = 0; pick < picks; pick++) {
    const index = picker.pick()?.index ?? -1;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

export function assertShares(counts: readonly number[], shares: readonly number[]): void {
  const { pValue } = chiSquareTest(counts, shares);
  assert.ok(pValue > 0.001, `p = ${pValue} for ${counts.join()} against ${shares.join()}`);
}

export const SLOW_START: SlowStartOptions = { windowMs: 10_000, aggression: 1, minimumShare: 0.1 };
