import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import { type Endpoint, GRPC_STATUS_NAMES, type Snapshot } from '@steelyard/core/model';
import { startPod, TestCaller, type TestReply } from '@steelyard/testkit';
import { openManifests } from '../kube/index.ts';
import { silentLog } from '../log.test-bed.ts';
import { startProxy } from '../proxy/index.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of cleanUp.toReversed()) await close();
});

/** What a pod says, by its address in the example: a gRPC status, or `undefined` for none at all. */
type Script = (address: string, headers: IncomingHttpHeaders) => string | undefined;

interface Running {
  readonly call: (headers?: object) => Promise<{ readonly status: string; readonly pod: string }>;
  /** Calls that came to the pods, by address. */
  readonly calls: ReadonlyMap<string, number>;
}

/** The example as it is, before real pods on this machine in place of the addresses that it names. */
async function run(name: string, script: Script = () => 'OK'): Promise<Running> {
  const folder = fileURLToPath(new URL(`../../../../examples/${name}`, import.meta.url));
  const options = { paths: [folder], watch: false, strict: true, namespace: 'default', log: silentLog };
  const { current } = await openManifests(options);
  assert.deepEqual(
    current.diagnostics.filter(({ severity }) => severity !== 'info'),
    [],
    'an example is honoured in all it says',
  );
  const calls = new Map<string, number>();
  const ports = new Map<string, number>();
  for (const { address } of [...current.clusters.values()].flatMap(({ endpoints }) => endpoints)) {
    if (ports.has(address)) continue;
    const pod = await startPod((stream, headers) => {
      calls.set(address, (calls.get(address) ?? 0) + 1);
      answer(stream, address, script(address, headers));
    });
    cleanUp.push(() => pod.close());
    ports.set(address, pod.port);
  }
  const proxy = await startProxy({
    snapshots: { current: moved(current, ports), subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silentLog,
    random: createSeededRandom(5),
  });
  const caller = new TestCaller(proxy.address.port);
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return {
    calls,
    async call(headers = {}) {
      const reply = await caller.call('x', { ...headers });
      return { status: statusOf(reply), pod: String(reply.headers['x-pod']) };
    },
  };
}

function answer(stream: ServerHttp2Stream, pod: string, status: string | undefined): void {
  stream.on('data', () => undefined);
  if (status === undefined) return;
  const head = { ':status': 200, 'content-type': 'application/grpc', 'x-pod': pod };
  stream.respond({ ...head, 'grpc-status': String(GRPC_STATUS_NAMES.indexOf(status)) }, { endStream: true });
}

function moved(snapshot: Snapshot, ports: ReadonlyMap<string, number>): Snapshot {
  const move = (endpoint: Endpoint): Endpoint => ({
    ...endpoint,
    address: '127.0.0.1',
    port: ports.get(endpoint.address) ?? 0,
  });
  const clusters = Array.from(
    snapshot.clusters,
    ([name, cluster]) => [name, { ...cluster, endpoints: cluster.endpoints.map(move) }] as const,
  );
  return { ...snapshot, clusters: new Map(clusters) };
}

function statusOf({ headers, trailers }: TestReply): string {
  return GRPC_STATUS_NAMES[Number(trailers['grpc-status'] ?? headers['grpc-status'] ?? 2)] ?? '';
}

test('examples/retry: Get outlives a pod that fails, Put is not done twice', async () => {
  const sick = '10.80.1.1';
  const script: Script = (address) => (address === sick ? 'RESOURCE_EXHAUSTED' : 'OK');
  const total = (calls: ReadonlyMap<string, number>): number => [...calls.values()].reduce((sum, one) => sum + one, 0);
  const get = await run('retry', script);
  for (let i = 0; i < 60; i++) assert.equal((await get.call({ ':path': '/store.Store/Get' })).status, 'OK');
  assert.ok((get.calls.get(sick) ?? 0) > 0);
  assert.equal(total(get.calls), 60 + (get.calls.get(sick) ?? 0));
  const put = await run('retry', script);
  let failed = 0;
  for (let i = 0; i < 60; i++) if ((await put.call({ ':path': '/store.Store/Put' })).status !== 'OK') failed++;
  assert.equal(total(put.calls), 60);
  assert.equal(put.calls.get(sick), failed);
  assert.ok(failed > 0);
});

test('examples/mirror: one call in twenty is copied to the next version', async () => {
  const { call, calls } = await run('mirror', (address) => (address === '10.80.2.1' ? undefined : 'OK'));
  for (let i = 0; i < 600; i++) assert.equal((await call()).status, 'OK');
  const copies = calls.get('10.80.2.1') ?? 0;
  assert.ok(copies > 10 && copies < 60, `${copies} copies of 600`);
});

test('examples/fault: one Say in ten is aborted, calls with x-slow are held back', async () => {
  const { call } = await run('fault');
  let aborted = 0;
  for (let i = 0; i < 300; i++) {
    const { status } = await call();
    if (status === 'UNAVAILABLE') aborted++;
    else assert.equal(status, 'OK');
  }
  assert.ok(aborted > 10 && aborted < 60, `${aborted} of 300`);
  const before = performance.now();
  assert.equal((await call({ ':path': '/echo.Echo/Other', 'x-slow': 'yes' })).status, 'OK');
  const ms = performance.now() - before;
  assert.ok(ms >= 185, `${ms} ms`);
});

test('examples/hash: a user stays with a pod', async () => {
  const { call, calls } = await run('hash');
  for (let user = 0; user < 40; user++) {
    const headers = { 'x-user': `user ${user}` };
    const { pod } = await call(headers);
    for (let i = 0; i < 4; i++) assert.equal((await call(headers)).pod, pod);
  }
  assert.equal(calls.size, 3);
});

test('examples/canary: both versions have calls', async () => {
  const { call, calls } = await run('canary');
  for (let i = 0; i < 400; i++) assert.equal((await call()).status, 'OK');
  assert.ok(calls.size >= 2, [...calls.keys()].join());
});
