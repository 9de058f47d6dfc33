import type { Snapshot } from '@steelyard/core/model';
import type { FaultCounts } from './metrics-faults.ts';
import type { LatencyReport } from './metrics-histogram.ts';
import { METRICS } from './metrics-names.ts';
import type { ProxyReport } from './metrics-report.ts';
import type { StatusReport } from './metrics-series.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';
import { only, renderNumbers, type Sample } from '../../metric-text.ts';
import { renderLatencies } from './metrics-text.ts';

/** How the processes of a proxy with several of them are doing. */
export interface WorkersReport {
  readonly restarts: number;
  /** How often one was found not to answer. */
  readonly hangs: number;
  /** Of those that take connections. */
  readonly workers: readonly { readonly id: number; readonly pid: number | undefined; readonly connections: number }[];
}

export interface MetricsPage {
  readonly report: ProxyReport;
  readonly snapshot: Snapshot | undefined;
  readonly ready: boolean;
  readonly workers: WorkersReport | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

const ATTEMPT_KINDS = ['retries', 'transparentRetries', 'hedges', 'mirrored'] as const;

/** `/metrics`, in Prometheus' text format 0.0.4. */
export function renderMetrics(page: MetricsPage): string {
  const { report, snapshot, workers } = page;
  const attempts = report.methods.flatMap(({ method, attempts: parts }) => parts.map((part) => ({ method, ...part })));
  const sides = [
    { side: 'downstream', counts: report.downstream },
    { side: 'upstream', counts: report.upstream },
  ];
  const bySide = (of: (counts: ProxyReport['upstream']) => number): Sample<number>[] =>
    sides.map(({ side, counts }) => ({ labels: [side], value: of(counts) }));
  return [
    renderNumbers(
      METRICS.serverCallsStarted,
      report.methods.map(({ method, started }) => ({ labels: [method], value: started })),
    ),
    renderLatencies(
      METRICS.serverCallDuration,
      report.methods.flatMap(({ method, ended }) => byStatus([method], ended)),
    ),
    renderNumbers(
      METRICS.attemptsStarted,
      attempts.map(({ method, target, started }) => ({ labels: [method, target], value: started })),
    ),
    renderLatencies(
      METRICS.attemptDuration,
      attempts.flatMap(({ method, target, ended }) => byStatus([method, target], ended)),
    ),
    ...ATTEMPT_KINDS.map((kind) =>
      renderNumbers(
        METRICS[kind],
        attempts
          .filter(({ kinds }) => kinds[kind] > 0)
          .map(({ method, target, kinds }) => ({ labels: [method, target], value: kinds[kind] })),
      ),
    ),
    ...renderEndpoints(report),
    ...renderClusters(report),
    renderNumbers(
      METRICS.connections,
      bySide(({ opened, closed }) => opened - closed),
    ),
    renderNumbers(
      METRICS.connectionsOpened,
      bySide(({ opened }) => opened),
    ),
    renderNumbers(
      METRICS.connectionsFailed,
      bySide(({ failed }) => failed),
    ),
    ...renderFaults(report),
    renderNumbers(
      METRICS.receivedBytes,
      bySide(({ receivedOctets }) => receivedOctets),
    ),
    renderNumbers(
      METRICS.sentBytes,
      bySide(({ sentOctets }) => sentOctets),
    ),
    renderNumbers(METRICS.heldBytes, only(report.pressure.heldOctets)),
    renderNumbers(METRICS.refusedStreams, only(report.pressure.refusedStreams)),
    renderNumbers(METRICS.relievedConnections, only(report.pressure.relievedConnections)),
    renderNumbers(METRICS.refusedConnections, only(report.pressure.refusedConnections)),
    renderNumbers(METRICS.tlsHandshakeFailures, only(report.tlsHandshakeFailures)),
    renderNumbers(METRICS.accessLogDropped, only(report.accessLogDropped)),
    renderNumbers(METRICS.ready, only(page.ready ? 1 : 0)),
    ...renderConfig(snapshot),
    ...renderWorkers(workers),
    renderNumbers(METRICS.cpuSeconds, only(report.cpuSeconds)),
    renderNumbers(METRICS.residentBytes, only(report.residentBytes)),
    renderNumbers(METRICS.startTime, only(page.startedAt / 1000)),
  ].join('');
}

function renderFaults({ faults: { downstream, upstream } }: ProxyReport): string[] {
  const samples = (of: (counts: FaultCounts) => ReadonlyMap<string, number>): Sample<number>[] =>
    Object.entries({ downstream, upstream }).flatMap(([side, counts]) =>
      Array.from(of(counts), ([code, value]) => ({ labels: [side, code], value })),
    );
  return [
    renderNumbers(
      METRICS.connectionsEnded,
      samples(({ connections }) => connections),
    ),
    renderNumbers(
      METRICS.streamsReset,
      samples(({ streams }) => streams),
    ),
  ];
}

function renderEndpoints({ endpoints }: ProxyReport): string[] {
  const calls = endpoints.flatMap(({ key, byStatus: counts }) =>
    [...counts.entries()]
      .filter(([, count]) => count > 0)
      .map(([status, count]) => ({ labels: [key, GRPC_STATUS_NAMES[status] ?? ''], value: count })),
  );
  return [
    renderNumbers(METRICS.endpointCalls, calls),
    renderNumbers(
      METRICS.endpointActive,
      endpoints.map(({ key, active }) => ({ labels: [key], value: active })),
    ),
    renderNumbers(
      METRICS.endpointConnections,
      endpoints.map(({ key, connections }) => ({ labels: [key], value: connections })),
    ),
  ];
}

function renderClusters({ clusters }: ProxyReport): string[] {
  const members = clusters.flatMap(({ name, members: all }) => all.map((member) => ({ name, ...member })));
  const ejected = members.filter(({ ejections }) => ejections > 0);
  return [
    renderNumbers(
      METRICS.endpointEjected,
      ejected.map(({ name, key, ejected: isOut }) => ({ labels: [name, key], value: isOut ? 1 : 0 })),
    ),
    renderNumbers(
      METRICS.endpointEjections,
      ejected.map(({ name, key, ejections }) => ({ labels: [name, key], value: ejections })),
    ),
    renderNumbers(
      METRICS.endpointUnhealthy,
      members
        .filter(({ probe }) => probe !== undefined)
        .map(({ name, key, probe }) => ({ labels: [name, key], value: probe === 'unhealthy' ? 1 : 0 })),
    ),
    renderNumbers(
      METRICS.clusterActive,
      clusters.map(({ name, active }) => ({ labels: [name], value: active })),
    ),
    renderNumbers(
      METRICS.clusterWaiting,
      clusters.map(({ name, waiting }) => ({ labels: [name], value: waiting })),
    ),
    renderNumbers(
      METRICS.clusterRefused,
      clusters.flatMap(({ name, refused }) =>
        Object.entries(refused).map(([limit, value]) => ({ labels: [name, limit], value })),
      ),
    ),
  ];
}

function renderConfig(snapshot: Snapshot | undefined): string[] {
  if (snapshot === undefined) return [];
  const severities = ['error', 'warning', 'info'] as const;
  return [
    renderNumbers(METRICS.configVersion, only(snapshot.version)),
    renderNumbers(
      METRICS.configDiagnostics,
      severities.map((severity) => ({
        labels: [severity],
        value: snapshot.diagnostics.filter((diagnostic) => diagnostic.severity === severity).length,
      })),
    ),
  ];
}

function renderWorkers(report: WorkersReport | undefined): string[] {
  if (report === undefined) return [];
  return [
    renderNumbers(METRICS.workers, only(report.workers.length)),
    renderNumbers(
      METRICS.workerConnections,
      report.workers.map(({ id, connections }) => ({ labels: [String(id)], value: connections })),
    ),
    renderNumbers(METRICS.workerRestarts, only(report.restarts)),
    renderNumbers(METRICS.workerHangs, only(report.hangs)),
  ];
}

function byStatus(labels: readonly string[], ended: readonly StatusReport[]): Sample<LatencyReport>[] {
  return ended.map((report) => ({ labels: [...labels, GRPC_STATUS_NAMES[report.status] ?? ''], value: report }));
}
