import { type HistogramReport, LatencyHistogram } from './metrics-histogram.ts';
import { STATUS_NAMES, UNKNOWN } from './metrics-status.ts';

/** Latencies by gRPC status. A status has its histogram from the first time it comes up. */
export class StatusLatencies {
  readonly byStatus: (LatencyHistogram | undefined)[] = STATUS_NAMES.map(() => undefined);

  /** @param status 0-16; anything else is UNKNOWN. */
  record(status: number, us: number): void {
    this.of(status).record(us);
  }

  of(status: number): LatencyHistogram {
    const known = this.byStatus[status];
    if (known !== undefined) return known;
    const code = status in STATUS_NAMES ? status : UNKNOWN;
    return (this.byStatus[code] ??= new LatencyHistogram());
  }

  report(): StatusReport[] {
    return this.byStatus.flatMap((histogram, status) =>
      histogram === undefined ? [] : [{ status, counts: histogram.counts, sumUs: histogram.sumUs }],
    );
  }
}

export interface StatusReport extends HistogramReport {
  readonly status: number;
}

/** The attempts of one method's calls at one cluster. */
export class AttemptSeries {
  /** The cluster's name. */
  readonly target: string;
  started = 0;
  readonly ended: StatusLatencies = new StatusLatencies();

  constructor(target: string) {
    this.target = target;
  }
}

/** One method, as callers see it and as pods do. */
export class MethodSeries {
  /** `package.Service/Method` */
  readonly method: string;
  started = 0;
  /** Calls under way. */
  active = 0;
  /** A pod has answered a call of it with something other than UNIMPLEMENTED: the method exists. */
  proven = false;
  readonly ended: StatusLatencies = new StatusLatencies();
  readonly attempts: Map<string, AttemptSeries> = new Map<string, AttemptSeries>();
  #last = new AttemptSeries('');

  constructor(method: string) {
    this.method = method;
  }

  attemptsAt(target: string): AttemptSeries {
    // Most methods have one target.
    if (this.#last.target === target) return this.#last;
    let series = this.attempts.get(target);
    if (series === undefined) {
      series = new AttemptSeries(target);
      this.attempts.set(target, series);
    }
    this.#last = series;
    return series;
  }
}

/** What one pod got and made of it. */
export class EndpointStats {
  started = 0;
  readonly byStatus: Float64Array = new Float64Array(STATUS_NAMES.length);
  readonly latency: LatencyHistogram = new LatencyHistogram();
  /** Of the call that ended last. */
  lastStatus = 0;

  ended(status: number, us: number): void {
    const code = status in STATUS_NAMES ? status : UNKNOWN;
    this.byStatus[code] = (this.byStatus[code] ?? 0) + 1;
    this.lastStatus = code;
    this.latency.record(us);
  }
}
