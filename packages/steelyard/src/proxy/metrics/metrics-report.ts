import { type LatencyReport, LatencyHistogram } from './metrics-histogram.ts';
import { type AttemptReport, mergeStatuses, type MethodReport, sumKinds } from './metrics-series.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';
import { type ClusterReport, mergeClusters, settleClusters } from './cluster-report.ts';
import { type FaultReport, mergeFaults, NO_FAULTS } from './metrics-faults.ts';
import { mergePressure, NO_PRESSURE, type PressureReport } from './metrics-pressure.ts';
import { createTransportCounts, type TransportCounts } from './metrics-transport.ts';

export interface EndpointReport {
  /** `ip:port` */
  readonly key: string;
  readonly active: number;
  /** The call that ended last found it unavailable. */
  readonly failing: boolean;
  readonly connections: number;
  readonly started: number;
  /** Calls that ended, at their gRPC status. */
  readonly byStatus: Float64Array;
  readonly latency: LatencyReport;
}

/** All that was counted, as plain data: it survives the way from one process to another, and reports can be added up. */
export interface ProxyReport {
  readonly methods: readonly MethodReport[];
  readonly endpoints: readonly EndpointReport[];
  /** Those that have had calls. */
  readonly clusters: readonly ClusterReport[];
  readonly downstream: Readonly<TransportCounts>;
  readonly upstream: Readonly<TransportCounts>;
  readonly faults: FaultReport;
  readonly pressure: PressureReport;
  readonly tlsHandshakeFailures: number;
  readonly accessLogDropped: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** What one process uses, for its report. */
export function processUse(): Pick<ProxyReport, 'cpuSeconds' | 'residentBytes'> {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
}

export const EMPTY_REPORT: ProxyReport = {
  methods: [],
  endpoints: [],
  clusters: [],
  downstream: createTransportCounts(),
  upstream: createTransportCounts(),
  faults: NO_FAULTS,
  pressure: NO_PRESSURE,
  tlsHandshakeFailures: 0,
  accessLogDropped: 0,
  cpuSeconds: 0,
  residentBytes: 0,
};

/** The sum of what several processes counted. The result shares nothing with its parts. */
export function mergeReports(reports: readonly ProxyReport[]): ProxyReport {
  const sum = (of: (report: ProxyReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    methods: mergeMethods(reports.flatMap(({ methods }) => methods)),
    endpoints: mergeEndpoints(reports.flatMap(({ endpoints }) => endpoints)),
    clusters: mergeClusters(reports.map(({ clusters }) => clusters)),
    downstream: mergeCounts(reports.map(({ downstream }) => downstream)),
    upstream: mergeCounts(reports.map(({ upstream }) => upstream)),
    faults: mergeFaults(reports.map(({ faults }) => faults)),
    pressure: mergePressure(reports.map(({ pressure }) => pressure)),
    tlsHandshakeFailures: sum((report) => report.tlsHandshakeFailures),
    accessLogDropped: sum((report) => report.accessLogDropped),
    cpuSeconds: sum((report) => report.cpuSeconds),
    residentBytes: sum((report) => report.residentBytes),
  };
}

/** What remains of a process that has ended: what it counted, and nothing that is under way. */
export function settleReport(report: ProxyReport): ProxyReport {
  return {
    ...report,
    endpoints: report.endpoints.map((endpoint) => ({ ...endpoint, active: 0, failing: false, connections: 0 })),
    clusters: settleClusters(report.clusters),
    downstream: { ...report.downstream, closed: report.downstream.opened },
    upstream: { ...report.upstream, closed: report.upstream.opened },
    pressure: { ...report.pressure, heldOctets: 0 },
    residentBytes: 0,
  };
}

function mergeMethods(methods: readonly MethodReport[]): MethodReport[] {
  return grouped(methods, ({ method }) => method).map(([method, parts]) => ({
    method,
    started: startedOf(parts),
    ended: mergeStatuses(parts.map(({ ended }) => ended)),
    attempts: mergeAttempts(parts.flatMap(({ attempts }) => attempts)),
  }));
}

function mergeAttempts(attempts: readonly AttemptReport[]): AttemptReport[] {
  return grouped(attempts, ({ target }) => target).map(([target, parts]) => ({
    target,
    kinds: sumKinds(parts.map(({ kinds }) => kinds)),
    started: startedOf(parts),
    ended: mergeStatuses(parts.map(({ ended }) => ended)),
  }));
}

export function mergeEndpoints(endpoints: readonly EndpointReport[]): EndpointReport[] {
  return grouped(endpoints, ({ key }) => key).map(([key, parts]) => {
    const byStatus = new Float64Array(GRPC_STATUS_NAMES.length);
    const latency = new LatencyHistogram();
    for (const part of parts) {
      for (const [status, count] of part.byStatus.entries()) byStatus[status] = (byStatus[status] ?? 0) + count;
      latency.add(part.latency);
    }
    return {
      key,
      failing: parts.some(({ failing }) => failing),
      active: parts.reduce((sum, { active }) => sum + active, 0),
      connections: parts.reduce((sum, { connections }) => sum + connections, 0),
      started: startedOf(parts),
      byStatus,
      latency: { counts: latency.counts, sumUs: latency.sumUs },
    };
  });
}

function mergeCounts(parts: readonly Readonly<TransportCounts>[]): TransportCounts {
  const merged = createTransportCounts();
  for (const part of parts) {
    merged.opened += part.opened;
    merged.closed += part.closed;
    merged.failed += part.failed;
    merged.receivedOctets += part.receivedOctets;
    merged.sentOctets += part.sentOctets;
  }
  return merged;
}

function startedOf(parts: readonly { readonly started: number }[]): number {
  return parts.reduce((sum, { started }) => sum + started, 0);
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups];
}
