import type { Cluster } from '@steelyard/core/model';
import { SlidingCount } from './sliding-count.ts';

/**
 * gRFC A6, "Throttling Retry Attempts and Hedged RPCs". The bucket is as large as gRPC allows, so that a pod that goes with
 * hundreds of calls under way is no reason to stop; the ratio lets half of a cluster's pods fail for as long as they like.
 */
const MAX_TOKENS = 1000;
const TOKEN_RATIO = 0.5;

/**
 * How many retries a cluster may have. `retryBudget` and `connectionPool.maxRetries` bound those under way, as Envoy's
 * circuit breakers do. Where neither is set Istio has no bound at all, and a cluster that is down would get each call three
 * times: here gRPC's throttle holds then.
 */
export class RetryBudget {
  #cluster: Pick<Cluster, 'retryBudget' | 'connectionPool'>;
  /** Retries under way, and those that wait for their time. */
  active = 0;
  /** Those that wait: no pod has them. */
  waiting = 0;
  /** Retries there would have been. */
  refused = 0;
  /** The attempts that have begun, as far as {@link RetryBudget.began} was told. Absent: the budget does not go by them. */
  recent: SlidingCount | undefined = undefined;
  readonly #now: () => number;
  #tokens = MAX_TOKENS;

  /** @param now milliseconds of a clock that does not go back */
  constructor(cluster: Pick<Cluster, 'retryBudget' | 'connectionPool'>, now: () => number) {
    this.#now = now;
    this.#cluster = cluster;
    this.update(cluster);
  }

  /** The cluster has changed; what is under way stays. */
  update(cluster: Pick<Cluster, 'retryBudget' | 'connectionPool'>): void {
    this.#cluster = cluster;
    const { intervalMs } = cluster.retryBudget ?? {};
    if (intervalMs === this.recent?.intervalMs) return;
    this.recent = intervalMs === undefined ? undefined : new SlidingCount(intervalMs);
  }

  /** An attempt begins. */
  began(): void {
    this.recent?.record(this.#now());
  }

  /** A call has ended well. */
  succeeded(): void {
    if (this.#tokens < MAX_TOKENS) this.#tokens = Math.min(MAX_TOKENS, this.#tokens + TOKEN_RATIO);
  }

  /** An attempt has failed in a way that is to be tried again, or its pod said not to. */
  failed(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }

  /**
   * Takes a place for one more retry; {@link RetryBudget.release} gives it back.
   *
   * @param calls under way at the cluster's pods.
   */
  admit(calls: () => number): boolean {
    if (!this.#isWithin(calls)) {
      this.refused++;
      return false;
    }
    this.active++;
    return true;
  }

  release(): void {
    this.active--;
  }

  #isWithin(calls: () => number): boolean {
    const { retryBudget, connectionPool } = this.#cluster;
    if (retryBudget !== undefined) {
      const of = this.recent?.total(this.#now()) ?? calls() + this.waiting;
      // Rounded down, as in Envoy: a fifth of nine is one.
      const share = Math.floor((retryBudget.percent / 100) * of);
      return this.active < Math.max(retryBudget.minRetryConcurrency, share);
    }
    if (connectionPool?.maxRetries !== undefined) return this.active < connectionPool.maxRetries;
    return this.#tokens > MAX_TOKENS / 2;
  }
}
