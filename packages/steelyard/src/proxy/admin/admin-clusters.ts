import { type Cluster, type Endpoint, renderEndpointAddress, type Snapshot } from '@steelyard/core/model';
import { quantileUs } from '../metrics/metrics-histogram.ts';
import { policyName } from '../upstream/member-picker.ts';
import type { ClusterReport, MemberReport } from '../metrics/cluster-report.ts';
import type { EndpointReport, ProxyReport } from '../metrics/metrics-report.ts';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';

/**
 * - `ejected`: it has failed too much, and gets no calls for a while;
 * - `unhealthy`: active health checks find it so, and it gets no calls;
 * - `left-out`: the subset that this proxy uses of the cluster (annotation `subset-size`) is without it;
 * - `connected`: there is a connection to it;
 * - `idle`: there is none, since no call has gone there (yet, or for long);
 * - `failing`: there is none, and the last call that went there found it unavailable.
 */
export type EndpointState = 'ejected' | 'unhealthy' | 'left-out' | 'connected' | 'idle' | 'failing';

/** One pod in the answer of `/clusters`. A pod in several clusters has the same numbers in each: they are the pod's. */
export interface EndpointView {
  readonly endpoint: string;
  readonly pod?: string;
  readonly node?: string;
  readonly zone?: string;
  readonly state: EndpointState;
  /** It is ending, and takes calls only because no other pod is ready (KEP-1669). */
  readonly terminating: boolean;
  /** How often it was ejected; absent: never. */
  readonly ejections?: number;
  /** What active health checks say; absent: there are none. */
  readonly health?: 'unchecked' | 'healthy' | 'unhealthy';
  /** It is new, and has not its full share yet (`warmup`). */
  readonly warming?: true;
  /** While it is `warming`, the part of a full share that it gets, 0–1. */
  readonly warmth?: number;
  /** Its load counts by this factor, as calls have failed there (LEAST_REQUEST); absent: 1. */
  readonly handicap?: number;
  /** Calls a second that it could bear, by its load reports (WEIGHTED_ROUND_ROBIN); absent: none to go by. */
  readonly weight?: number;
  /** What a call is expected to take there (PEAK_EWMA), in milliseconds; absent: the policy does not go by it. */
  readonly expectedMs?: number;
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
  /** Circuit breakers; absent: the cluster has none, or has had no call. */
  readonly circuitBreakers?: {
    /** Limits that are reached now. */
    readonly open: readonly string[];
    /** What each has refused. */
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly endpoints: readonly EndpointView[];
}

/** `/clusters`: what each pod got and made of it. */
export function viewClusters(snapshot: Snapshot, report: ProxyReport): ClusterView[] {
  const endpoints = new Map(report.endpoints.map((endpoint) => [endpoint.key, endpoint]));
  const clusters = new Map(report.clusters.map((cluster) => [cluster.name, cluster]));
  return [...snapshot.clusters.values()].map((cluster) => viewCluster(cluster, clusters.get(cluster.name), endpoints));
}

function viewCluster(
  cluster: Cluster,
  report: ClusterReport | undefined,
  reports: ReadonlyMap<string, EndpointReport>,
): ClusterView {
  const { name, host, port, subset, endpoints } = cluster;
  const members = new Map(report?.members.map((member) => [member.key, member]));
  return {
    name,
    host,
    port,
    subset,
    policy: policyName(cluster),
    ...(report !== undefined &&
      cluster.connectionPool !== undefined && {
        circuitBreakers: { open: report.open, refused: report.refused },
      }),
    endpoints: endpoints.map((endpoint) => {
      const key = renderEndpointAddress(endpoint.address, endpoint.port);
      const isLeftOut = report !== undefined && !members.has(key) && cluster.extensions?.subsetSize !== undefined;
      const seen = viewEndpoint(key, endpoint, reports.get(key), members.get(key));
      return isLeftOut ? { ...seen, state: 'left-out' as const } : seen;
    }),
  };
}

function viewEndpoint(
  key: string,
  endpoint: Endpoint,
  report: EndpointReport | undefined,
  member: MemberReport | undefined,
): EndpointView {
  const { podName, nodeName, zone, conditions } = endpoint;
  const counts = [...(report?.byStatus ?? [])];
  const connections = report?.connections ?? 0;
  const failing = report?.failing ?? false;
  return {
    endpoint: key,
    ...(podName !== undefined && { pod: podName }),
    ...(nodeName !== undefined && { node: nodeName }),
    ...(zone !== undefined && { zone }),
    state: outOfUse(member) ?? (connections > 0 ? 'connected' : failing ? 'failing' : 'idle'),
    terminating: conditions.terminating,
    ...(member !== undefined && member.ejections > 0 && { ejections: member.ejections }),
    ...(member?.probe !== undefined && { health: member.probe }),
    ...(member !== undefined && member.warmth < 1 && { warming: true, warmth: member.warmth }),
    ...(member !== undefined && member.handicap > 1 && { handicap: member.handicap }),
    ...(member !== undefined && member.weight > 0 && { weight: member.weight }),
    ...(member?.expectedMs !== undefined && { expectedMs: member.expectedMs }),
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

function outOfUse(member: MemberReport | undefined): EndpointState | undefined {
  if (member?.ejected === true) return 'ejected';
  return member?.probe === 'unhealthy' ? 'unhealthy' : undefined;
}

function viewLatency(report: EndpointReport | undefined): Pick<EndpointView, 'latencyMs'> {
  if (report === undefined) return {};
  const at = (quantile: number): number => (quantileUs(report.latency, quantile) ?? 0) / 1000;
  if (quantileUs(report.latency, 1) === undefined) return {};
  return { latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) } };
}
