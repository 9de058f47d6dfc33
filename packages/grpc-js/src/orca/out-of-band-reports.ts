import type { BackendWeightOptions } from '@steelyard/core/balance';
import type { EndpointChild } from '../balance/endpoint-child.ts';
import type { Clock } from '../clock.ts';
import { LoadReportStream } from './load-report-stream.ts';

export interface OutOfBandOptions {
  readonly periodMs: number;
  readonly weight: BackendWeightOptions;
}

/** A stream of load reports for each connected endpoint of a channel, as far as they are asked for (gRFC A58). */
export class OutOfBandReports {
  readonly #clock: Clock;
  readonly #streams = new Map<EndpointChild, LoadReportStream>();
  #options: OutOfBandOptions | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined`: reports are not asked for any more. */
  configure(options: OutOfBandOptions | undefined, connected: Iterable<EndpointChild>): void {
    this.stop();
    this.#options = options;
    for (const child of connected) this.follow(child);
  }

  /** The endpoint has just been connected. */
  follow(child: EndpointChild): void {
    const options = this.#options;
    if (options === undefined) return;
    this.drop(child);
    // A connection that is being taken over cannot be called on before that is done.
    setImmediate(() => {
      const { channel } = child;
      if (this.#options !== options || this.#streams.has(child) || channel === undefined) return;
      const { periodMs, weight } = options;
      const onReport: ConstructorParameters<typeof LoadReportStream>[1]['onReport'] = (report) =>
        child.backendWeight.report(report, weight, this.#clock.now());
      this.#streams.set(child, new LoadReportStream(channel, { periodMs, onReport, clock: this.#clock }));
    });
  }

  drop(child: EndpointChild): void {
    this.#streams.get(child)?.close();
    this.#streams.delete(child);
  }

  stop(): void {
    this.#options = undefined;
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }
}
