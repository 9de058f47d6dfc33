import type { Random } from '@steelyard/core/balance';
import { type AttemptOutcome, isFailure, OutlierDetector, type OutlierDetectionOptions } from '@steelyard/core/health';
import type { Cluster, OutlierDetection } from '@steelyard/core/model';
import type { ClusterMember } from './cluster-member.ts';

/** Envoy's `max_ejection_time`. */
const MAX_EJECTION_MS = 300_000;

/** Istio's defaults, for clusters whose annotations ask for ejection by rates and whose rule has no `outlierDetection`. */
const RATES_ONLY: OutlierDetection = {
  consecutive5xxErrors: 0,
  consecutiveGatewayErrors: 0,
  splitExternalLocalOriginErrors: false,
  consecutiveLocalOriginFailures: 0,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  maxEjectionPercent: 10,
  minHealthPercent: 0,
};

/** Ejects the members of a cluster that fail, by DestinationRule `outlierDetection` and by annotations. */
export class Judge {
  readonly settings: OutlierDetection;
  /** Judges with the same key judge alike. */
  readonly #key: string;
  readonly #detector: OutlierDetector;
  #sweptAt: number;

  constructor(settings: OutlierDetection, options: OutlierDetectionOptions, random: Random, nowMs: number) {
    this.settings = settings;
    this.#key = JSON.stringify([settings, options]);
    this.#detector = new OutlierDetector(options, random);
    this.#sweptAt = nowMs;
  }

  /**
   * `undefined` when nothing asks for ejections.
   *
   * @param known who has judged so far: stays, when the rules do.
   */
  static of(cluster: Cluster, random: Random, nowMs: number, known: Judge | undefined): Judge | undefined {
    const settings = cluster.outlierDetection ?? (cluster.extensions?.rateEjections && RATES_ONLY);
    if (settings === undefined) return undefined;
    const judge = new Judge(settings, optionsOf(settings, cluster), random, nowMs);
    return known !== undefined && known.#key === judge.#key ? known : judge;
  }

  add(member: ClusterMember): void {
    this.#detector.add(member.health);
  }

  delete(member: ClusterMember): void {
    this.#detector.delete(member.health);
  }

  /** True when the member is ejected for it. */
  record(member: ClusterMember, outcome: AttemptOutcome, now: () => number): boolean {
    if (outcome === 'none') return false;
    this.#detector.count(member.health, isFailure(outcome));
    return member.runs.record(outcome, this.settings) && this.#detector.eject(member.health, now());
  }

  /** An active check found it healthy (Envoy's `successful_active_health_check_uneject_host`). True when it comes back. */
  acquit(member: ClusterMember): boolean {
    member.runs.clear();
    return this.#detector.readmit(member.health);
  }

  /** True when any was ejected or comes back. Does nothing before the interval is over. */
  tick(nowMs: number): boolean {
    if (nowMs - this.#sweptAt < this.settings.intervalMs) return false;
    this.#sweptAt = nowMs;
    return this.#detector.sweep(nowMs);
  }
}

function optionsOf(settings: OutlierDetection, { extensions }: Cluster): OutlierDetectionOptions {
  const { successRate, failurePercentage } = extensions?.rateEjections ?? {};
  return {
    intervalMs: settings.intervalMs,
    baseEjectionMs: settings.baseEjectionTimeMs,
    maxEjectionMs: MAX_EJECTION_MS,
    maxEjectionPercent: settings.maxEjectionPercent,
    strict: true,
    ...(successRate !== undefined && { successRate: { enforcementPercentage: 100, ...successRate } }),
    ...(failurePercentage !== undefined && { failurePercentage: { enforcementPercentage: 100, ...failurePercentage } }),
  };
}
