import { type Cluster, type Endpoint, renderEndpointAddress, type Snapshot } from '@steelyard/core/model';
import { quantileUs } from '../metrics/metrics-histogram.ts';
import type { EndpointReport, ProxyReport } from '../metrics/metrics-report.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';

/**
 * - `connected`: there is a connection to it;
 * - `idle`: there is none, since no call has gone there (yet, or for long);
 * - `failing`: there is none, and the last call that went there found it unavailable.
 */
export type EndpointState = 'connected' | 'idle' | 'failing';

/** One pod in the answer of `/clusters`. A pod in several clusters has the same numbers in each: they are the pod's. */
export interface EndpointView {
  readonly endpoint: string;
  readonly pod?: string;
  readonly node?: string;
  readonly zone?: string;
  readonly state: EndpointState;
  /** It is ending, and takes calls only because no other pod is ready (KEP-1669). */
  readonly terminating: boolean;
  readonly active: number;
  readonly connections: number;
  /** Calls that were sent there. */
  readonly calls: number;
  /** Of those that ended with something other than OK, by status. */
  readonly errors: Readonly<Record<string, number>>;
  /** Absent before the first call has ended. Upper edges of buckets a sixteenth of an octave wide. */
  readonly latencyMs?: { readonly p50: number; readonly p90: number; readonly p99: number; readonly p999: number };
}

export interface ClusterView {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly subset: string;
  readonly policy: string;
  readonly endpoints: readonly EndpointView[];
}

/** `/clusters`: what each pod got and made of it. */
export function viewClusters(snapshot: Snapshot, report: ProxyReport): ClusterView[] {
  const reports = new Map(report.endpoints.map((endpoint) => [endpoint.key, endpoint]));
  return [...snapshot.clusters.values()].map((cluster) => viewCluster(cluster, reports));
}

function viewCluster(cluster: Cluster, reports: ReadonlyMap<string, EndpointReport>): ClusterView {
  const { name, host, port, subset, loadBalancer, endpoints } = cluster;
  return {
    name,
    host,
    port,
    subset,
    policy: loadBalancer.kind,
    endpoints: endpoints.map((endpoint) => {
      const key = renderEndpointAddress(endpoint.address, endpoint.port);
      return viewEndpoint(key, endpoint, reports.get(key));
    }),
  };
}

function viewEndpoint(key: string, endpoint: Endpoint, report: EndpointReport | undefined): EndpointView {
  const { podName, nodeName, zone, conditions } = endpoint;
  const counts = [...(report?.byStatus ?? [])];
  const connections = report?.connections ?? 0;
  const failing = report?.failing ?? false;
  return {
    endpoint: key,
    ...(podName !== undefined && { pod: podName }),
    ...(nodeName !== undefined && { node: nodeName }),
    ...(zone !== undefined && { zone }),
    state: connections > 0 ? 'connected' : failing ? 'failing' : 'idle',
    terminating: conditions.terminating,
    active: report?.active ?? 0,
    connections,
    calls: report?.started ?? 0,
    errors: Object.fromEntries(
      counts.flatMap((count, status) =>
        status === 0 || count === 0 ? [] : [[GRPC_STATUS_NAMES[status] ?? 'UNKNOWN', count]],
      ),
    ),
    ...viewLatency(report),
  };
}

function viewLatency(report: EndpointReport | undefined): Pick<EndpointView, 'latencyMs'> {
  if (report === undefined) return {};
  const at = (quantile: number): number => (quantileUs(report.latency, quantile) ?? 0) / 1000;
  if (quantileUs(report.latency, 1) === undefined) return {};
  return { latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) } };
}
