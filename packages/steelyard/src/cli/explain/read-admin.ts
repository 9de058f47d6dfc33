import { request } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import type { ConsideredRules, Snapshot } from '@steelyard/core/model';
import type { LiveEndpoint, LiveState, RouteTableOptions } from '@steelyard/core/routing';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import type { ClusterView, EndpointView } from '../../proxy/index.ts';
import { UsageError } from '../usage-error.ts';

/** What a running proxy decides by, and how its pods are. */
export interface RunningProxy {
  readonly snapshot: Snapshot;
  readonly live: LiveState;
  /** What its calls are routed by besides; absent where that is not the same for all. */
  readonly routing?: RouteTableOptions;
}

const TIMEOUT_MS = 10_000;

/**
 * Asks the admin port of a proxy for its Snapshot (`/config`) and for what it knows of its pods (`/clusters`).
 *
 * @throws UsageError when nobody answers there, or not a proxy of this version
 */
export async function readAdmin(address: SocketAddress): Promise<RunningProxy> {
  const [config, clusters] = await Promise.all([get(address, '/config'), get(address, '/clusters')]);
  const views = parseClusters(clusters);
  if (!isConfig(config) || views === undefined) {
    throw new UsageError(
      `--admin ${formatAddress(address)}: this is no admin port of a steelyard proxy of this version`,
    );
  }
  const endpoints = new Map(
    views.flatMap(({ name, endpoints: own }) => own.map((view) => [`${name} ${view.endpoint}`, liveEndpoint(view)])),
  );
  const { routing } = config;
  return {
    snapshot: snapshotOf(config),
    live: (cluster, endpoint) => endpoints.get(`${cluster} ${endpoint}`),
    ...(routing !== undefined && { routing }),
  };
}

async function get({ host, port }: SocketAddress, path: string): Promise<unknown> {
  const where = `--admin ${formatAddress({ host, port })}`;
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const asked = request({ host, port, path, timeout: TIMEOUT_MS, agent: false }, (answer) => {
      readAll(answer).then((text) => resolve({ status: answer.statusCode ?? 0, body: text }), reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    asked.on('error', reject);
    asked.end();
  }).catch((error: unknown) => {
    throw new UsageError(`${where}: ${reasonOf(error)}`);
  });
  if (status !== 200) throw new UsageError(`${where}${path}: ${status} ${body.trim().slice(0, 200)}`);
  try {
    const value: unknown = JSON.parse(body);
    return value;
  } catch {
    throw new UsageError(`${where}${path}: the answer is no JSON`);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const refused = 'code' in error && error.code === 'ECONNREFUSED';
  return refused ? 'nobody listens there; is it the --admin of a proxy that runs?' : error.message;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `renderConfig` made of a Snapshot's maps, and what it added. */
interface Config extends Omit<Snapshot, 'services' | 'nodes' | 'virtualHosts' | 'clusters' | 'consideredRules'> {
  readonly services: Readonly<Record<string, MapValue<'services'>>>;
  readonly virtualHosts: Readonly<Record<string, MapValue<'virtualHosts'>>>;
  readonly clusters: Readonly<Record<string, MapValue<'clusters'>>>;
  readonly consideredRules?: Readonly<Record<string, ConsideredRules>>;
  readonly routing?: RouteTableOptions;
}

type MapValue<K extends 'services' | 'virtualHosts' | 'clusters'> =
  Snapshot[K] extends ReadonlyMap<string, infer V> ? V : never;

function snapshotOf(config: Config): Snapshot {
  const { version, clusterDomain, diagnostics, services, virtualHosts, clusters, consideredRules } = config;
  return {
    version,
    clusterDomain,
    diagnostics,
    services: new Map(Object.entries(services)),
    virtualHosts: new Map(Object.entries(virtualHosts)),
    clusters: new Map(Object.entries(clusters)),
    ...(consideredRules !== undefined && { consideredRules: new Map(Object.entries(consideredRules)) }),
  };
}

/** It comes from our own program: what is looked at is whether it is that at all, and of this shape. */
function isConfig(value: unknown): value is Config {
  if (!isMapping(value) || !Array.isArray(value['diagnostics'])) return false;
  const { version, clusterDomain, services, virtualHosts, clusters, consideredRules = {} } = value;
  if (typeof version !== 'number' || typeof clusterDomain !== 'string') return false;
  const every = (map: unknown, list: string): boolean =>
    isMapping(map) && Object.values(map).every((one) => isMapping(one) && Array.isArray(one[list]));
  return (
    every(services, 'ports') &&
    every(virtualHosts, 'routes') &&
    every(clusters, 'endpoints') &&
    every(consideredRules, 'rules') &&
    (value['routing'] === undefined || isRouting(value['routing']))
  );
}

function isRouting(value: unknown): boolean {
  if (!isMapping(value)) return false;
  const { namespace, listenPort, service } = value;
  return (
    typeof namespace === 'string' && typeof listenPort === 'number' && (service === undefined || isMapping(service))
  );
}

function parseClusters(value: unknown): readonly ClusterView[] | undefined {
  const clusters = isMapping(value) ? value['clusters'] : undefined;
  return isViews(clusters) ? clusters : undefined;
}

function isViews(value: unknown): value is readonly ClusterView[] {
  return (
    Array.isArray(value) &&
    value.every((one: unknown) => isMapping(one) && typeof one['name'] === 'string' && Array.isArray(one['endpoints']))
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function liveEndpoint(view: EndpointView): LiveEndpoint {
  const { state, active, calls, errors, latencyMs, ejections = 0, warmth, handicap, weight, expectedMs } = view;
  const callMs = expectedMs ?? latencyMs?.p50;
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const words = [
    state,
    ...(ejections > 0 ? [`ejected ${ejections} ${ejections === 1 ? 'time' : 'times'} so far`] : []),
    ...(warmth === undefined ? [] : [`warming up, at ${percent(warmth)} of its share`]),
    ...(handicap === undefined ? [] : [`its load counts ${handicap.toFixed(1)} times, as calls failed there`]),
    ...(expectedMs === undefined ? [] : [`a call is expected to take ${expectedMs.toPrecision(3)} ms`]),
    ...(weight === undefined ? [] : [`weight ${weight.toPrecision(3)} by its load reports`]),
    `${active} of ${calls} calls under way`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(latencyMs === undefined ? [] : [`p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`]),
  ];
  return {
    ejected: state === 'ejected',
    unhealthy: view.health === 'unhealthy',
    ...(warmth !== undefined && { warmth }),
    ...(handicap !== undefined && { handicap }),
    ...(weight !== undefined && { weight }),
    activeRequests: active,
    words: words.join(', '),
    ...(callMs !== undefined && { latencyMs: callMs }),
    ...(state === 'left-out' && { leftOut: true }),
  };
}
