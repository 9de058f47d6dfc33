import type { AttemptEnd } from '@steelyard/core/health';
import type { AttemptSeries } from '../metrics/metrics-series.ts';
import type { Call, CallEndpoint } from './call.ts';

/** What is counted of an attempt that is not, or not yet, the one of its call. */
export class AttemptRecord {
  readonly endpoint: CallEndpoint;
  readonly series: AttemptSeries;
  readonly startedUs: number;
  readonly #call: Call;
  #ended = false;

  constructor(call: Call, endpoint: CallEndpoint, cluster: string) {
    this.#call = call;
    this.endpoint = endpoint;
    this.series = call.seriesAt(cluster);
    this.series.started++;
    this.startedUs = call.nowUs();
    endpoint.begin();
  }

  /** Idempotent. */
  end(status: number, how: AttemptEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    const us = this.#call.nowUs() - this.startedUs;
    this.endpoint.end(status, us, how);
    this.series.parts.record(status, us);
  }
}
