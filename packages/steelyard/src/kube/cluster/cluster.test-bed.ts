// An API server with a damageable wire before it, and a source that follows it: what the tests of the cluster share.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Snapshot } from '@steelyard/core/model';
import {
  type ApiServerUnderTest,
  type FakeApiServer,
  type FakeObject,
  startFakeApiServer,
  startRealApiServer,
  startTcpRelay,
  type TcpRelay,
  TEST_CERTIFICATE,
} from '@steelyard/testkit';
import { logThat } from '../../log.test-bed.ts';
import type { Logger } from '../../log.ts';
import type { ClusterAccess } from '../api/cluster-access.ts';
import { createNodeTransport } from '../api/node-transport.ts';
import { staticCredentials } from '../api/static-credentials.ts';
import { systemClock } from './clock.ts';
import { type ClusterSource, createClusterSource } from './create-cluster-source.ts';
import { REFLECTOR_TIMES, type ReflectorTimes } from './reflector-times.ts';
import type { ClusterKind } from './resource-kind.ts';

/** As in production, but for the waits that a test would have to sit through. */
export const FAST: ReflectorTimes = {
  ...REFLECTOR_TIMES,
  refused: { firstMs: 20, mostMs: 200, jitter: 1, healthyMs: 1000 },
  lost: { firstMs: 20, mostMs: 100, jitter: 0.5, healthyMs: 1000 },
  absentMs: 100,
  silentMs: 400,
  answerMs: 300,
  shortWatchMs: 5,
  returnMs: 50,
};

export const CORE_KINDS: readonly ClusterKind[] = ['Service', 'EndpointSlice'];

export function silentLogger(lines: string[] = []): Logger {
  return logThat({
    info: (line) => lines.push(`info ${line}`),
    warn: (line) => lines.push(`warn ${line}`),
    error: (line) => lines.push(`error ${line}`),
  });
}

export async function startFake(
  t: TestContext,
  options: Parameters<typeof startFakeApiServer>[0] = {},
): Promise<FakeApiServer> {
  const fake = await startFakeApiServer(options);
  t.after(() => fake.stop());
  for (const resource of ['v1/services', 'discovery.k8s.io/v1/endpointslices', 'v1/pods']) fake.store.install(resource);
  return fake;
}

/** The in-process one, unless the environment asks for the real one (`npm run conformance -- kube`). */
export async function startApiServer(t: TestContext): Promise<ApiServerUnderTest> {
  if (process.env['STEELYARD_KUBE_APISERVER'] === 'real') {
    const real = await startRealApiServer();
    t.after(() => real.close());
    return real;
  }
  const fake = await startFake(t);
  return {
    port: Number(new URL(fake.url).port),
    ca: TEST_CERTIFICATE,
    headers: {},
    put: (object) => Promise.resolve(fake.store.put(object)),
    delete: (object) => Promise.resolve(fake.store.delete(object)),
    installIstio: () => {
      for (const kind of ['virtualservices', 'destinationrules']) fake.store.install(`networking.istio.io/v1/${kind}`);
      return Promise.resolve();
    },
    revoke: () => {
      fake.fault = () => ({ is: 'status', status: 403, message: 'no such right' });
      fake.endWatches();
      return Promise.resolve();
    },
    grant: () => {
      fake.fault = undefined;
      return Promise.resolve();
    },
    restartStorage: async () => {
      fake.fault = () => ({ is: 'status', status: 500, message: 'etcdserver: leader changed' });
      fake.endWatches();
      await pause(300);
      fake.fault = undefined;
    },
    compact: () => Promise.resolve(fake.store.compact()),
    stop: () => fake.stop(),
    start: () => fake.start(),
    close: () => fake.stop(),
  };
}

export interface Followed {
  readonly api: ApiServerUnderTest;
  readonly wire: TcpRelay;
  /** What requests go through: here they can meet with anything. */
  readonly front: FakeApiServer;
  readonly source: ClusterSource;
  readonly lines: string[];
  /** All Snapshots there were, the first complete one first. */
  readonly seen: Snapshot[];
}

export interface FollowOptions {
  readonly kinds?: readonly ClusterKind[];
  readonly times?: ReflectorTimes;
}

/** A source of what is there, with the clock and the randomness of production; what it says goes into `lines`. */
export function sourceOf(
  access: Omit<ClusterAccess, 'insecureSkipTlsVerify'>,
  { kinds = CORE_KINDS, times = FAST, lines }: FollowOptions & { readonly lines?: string[] } = {},
  pings?: Parameters<typeof createNodeTransport>[1],
): ClusterSource {
  return createClusterSource({
    transport: createNodeTransport({ ...access, insecureSkipTlsVerify: access.ca === undefined }, pings),
    kinds,
    namespace: 'default',
    log: silentLogger(lines),
    findings: silentLogger(),
    clock: systemClock,
    random: Math.random,
    times,
  });
}

/** Follows an API server through a wire; resolves with the first complete state. */
export async function follow(t: TestContext, api: ApiServerUnderTest, options: FollowOptions = {}): Promise<Followed> {
  const front = await startFakeApiServer({ upstream: () => api.port });
  const wire = await startTcpRelay(() => Number(new URL(front.url).port));
  const lines: string[] = [];
  const source = sourceOf(
    {
      server: `https://127.0.0.1:${wire.port}`,
      ca: TEST_CERTIFICATE,
      credentials: staticCredentials({ headers: api.headers }),
    },
    { ...options, lines },
    { pingAfterMs: 150, pingTimeoutMs: 150 },
  );
  t.after(async () => {
    source.close();
    await wire.close();
    await front.stop();
  });
  await source.whenSynced(20_000);
  const seen = [source.current];
  source.subscribe((snapshot) => seen.push(snapshot));
  return { api, wire, front, source, lines, seen };
}

/** An API server with Service `kept`, which is never without an endpoint, and `gone`, which is deleted in the dark. */
export async function followKept(t: TestContext, options: FollowOptions = {}): Promise<Followed> {
  const api = await startApiServer(t);
  await api.put(service('kept'));
  await api.put(slice('kept', ['10.1.0.1']));
  await api.put(service('gone'));
  return follow(t, api, options);
}

/** Istio's kinds come to be served, and a DestinationRule for Service `backend` with ROUND_ROBIN is put. */
export async function installRoundRobin(api: ApiServerUnderTest): Promise<void> {
  await api.installIstio();
  const object = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { namespace: 'default', name: 'backend' },
    spec: { host: 'backend', trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } },
  };
  for (let attempt = 0; ; attempt++) {
    try {
      await api.put(object);
      return;
    } catch (error) {
      // A real one needs a moment until it serves a new kind.
      if (attempt > 100) throw error;
      await pause(50);
    }
  }
}

export function isRoundRobin({ clusters }: Snapshot): boolean {
  return [...clusters.values()].some((cluster) => cluster.loadBalancer.kind === 'ROUND_ROBIN');
}

/** Resolves when `test` holds for the newest Snapshot. */
export function until(
  source: ClusterSource,
  what: string,
  test: (snapshot: Snapshot) => boolean,
  limitMs = 10_000,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      end();
      const names = [...source.current.services.keys()].slice(0, 20).join(' ');
      reject(new assert.AssertionError({ message: `${what}: not within ${limitMs} ms; there is ${names}` }));
    }, limitMs);
    const end = source.subscribe(() => look());
    const look = (): void => {
      if (!test(source.current)) return;
      clearTimeout(timer);
      end();
      resolve();
    };
    look();
  });
}

export function service(name: string, port = 80): FakeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: {
      clusterIP: 'None',
      clusterIPs: ['None'],
      ports: [{ name: 'grpc', port, protocol: 'TCP', targetPort: port }],
    },
  };
}

export function slice(serviceName: string, addresses: readonly string[]): FakeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: `${serviceName}-1`,
      labels: { 'kubernetes.io/service-name': serviceName },
    },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
}

export function hasService(name: string): (snapshot: Snapshot) => boolean {
  return ({ services }) => services.has(`default/${name}`);
}

export function lacksService(name: string): (snapshot: Snapshot) => boolean {
  return ({ services }) => !services.has(`default/${name}`);
}

export function addressesOf(snapshot: Snapshot, name: string): readonly string[] {
  const ports = snapshot.services.get(`default/${name}`)?.ports ?? [];
  return ports.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
}

/** Whether this Service was there, with an endpoint, in all of them. */
export function assertNeverEmpty(seen: readonly Snapshot[], name: string): void {
  const empty = seen.findIndex((snapshot) => addressesOf(snapshot, name).length === 0);
  assert.equal(empty, -1, `Snapshot ${empty} of ${seen.length} has no endpoint of ${name}`);
}
