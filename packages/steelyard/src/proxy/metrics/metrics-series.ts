import { type LatencyReport, LatencyHistogram } from './metrics-histogram.ts';
import { UNKNOWN } from './metrics-status.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';

const STATUSES = GRPC_STATUS_NAMES.length;

/** Latencies by gRPC status. A status has its histogram from the first time it comes up. */
export class StatusLatencies {
  readonly byStatus: (LatencyHistogram | undefined)[] = GRPC_STATUS_NAMES.map(() => undefined);

  /** @param status 0-16; anything else is UNKNOWN. */
  record(status: number, us: number): void {
    this.of(status).record(us);
  }

  of(status: number): LatencyHistogram {
    const known = this.byStatus[status];
    if (known !== undefined) return known;
    const code = status < STATUSES ? status : UNKNOWN;
    return (this.byStatus[code] ??= new LatencyHistogram());
  }

  report(): StatusReport[] {
    return this.byStatus.flatMap((histogram, status) =>
      histogram === undefined ? [] : [{ status, counts: histogram.counts, sumUs: histogram.sumUs }],
    );
  }
}

export interface StatusReport extends LatencyReport {
  readonly status: number;
}

/** Attempts that were not the first of their call: by policy, of calls that no pod had looked at, beside others, copies. */
export type AttemptKind = 'retries' | 'transparentRetries' | 'hedges' | 'mirrored';

export type AttemptKinds = Record<AttemptKind, number>;

const NO_KINDS: Readonly<AttemptKinds> = { retries: 0, transparentRetries: 0, hedges: 0, mirrored: 0 };

export function sumKinds(parts: readonly Readonly<AttemptKinds>[]): AttemptKinds {
  const sum = { ...NO_KINDS };
  for (const { retries, transparentRetries, hedges, mirrored } of parts) {
    sum.retries += retries;
    sum.transparentRetries += transparentRetries;
    sum.hedges += hedges;
    sum.mirrored += mirrored;
  }
  return sum;
}

export interface AttemptReport {
  readonly kinds: Readonly<AttemptKinds>;
  readonly target: string;
  readonly started: number;
  readonly ended: readonly StatusReport[];
}

export interface MethodReport {
  readonly method: string;
  readonly started: number;
  readonly ended: readonly StatusReport[];
  readonly attempts: readonly AttemptReport[];
}

/** The sum of several; shares nothing with them. */
export function mergeStatuses(parts: readonly (readonly StatusReport[])[]): StatusReport[] {
  const merged = new StatusLatencies();
  for (const part of parts) for (const report of part) merged.of(report.status).add(report);
  return merged.report();
}

/** The attempts of one method's calls at one cluster. */
export class AttemptSeries {
  /** The cluster's name. */
  readonly target: string;
  started = 0;
  kinds: AttemptKinds = { ...NO_KINDS };
  /** Attempts that were the whole of their call: one value stands for both, which is nearly always. */
  readonly whole: StatusLatencies = new StatusLatencies();
  /** The others. */
  readonly parts: StatusLatencies = new StatusLatencies();

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
  /** Calls that were not the same as their only attempt. */
  readonly parts: StatusLatencies = new StatusLatencies();
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

  report(): MethodReport {
    const all = [...this.attempts.values()];
    return {
      method: this.method,
      started: this.started,
      ended: mergeStatuses([this.parts.report(), ...all.map(({ whole }) => whole.report())]),
      attempts: all.map(({ target, started, whole, parts, kinds }) => ({
        target,
        kinds: { ...kinds },
        started,
        ended: mergeStatuses([whole.report(), parts.report()]),
      })),
    };
  }

  /** Counts of another method are from now on counted here. */
  absorb({ started, ended, attempts }: MethodReport): void {
    this.started += started;
    for (const report of ended) this.parts.of(report.status).add(report);
    for (const attempt of attempts) {
      const series = this.attemptsAt(attempt.target);
      series.started += attempt.started;
      series.kinds = sumKinds([series.kinds, attempt.kinds]);
      for (const report of attempt.ended) series.parts.of(report.status).add(report);
    }
  }
}

/** What one pod got and made of it. */
export class EndpointStats {
  started = 0;
  readonly byStatus: Float64Array = new Float64Array(GRPC_STATUS_NAMES.length);
  readonly latency: LatencyHistogram = new LatencyHistogram();
  /** Of the call that ended last. */
  lastStatus = 0;

  ended(status: number, us: number): void {
    const code = status < STATUSES ? status : UNKNOWN;
    this.byStatus[code] = (this.byStatus[code] ?? 0) + 1;
    this.lastStatus = code;
    this.latency.record(us);
  }
}
