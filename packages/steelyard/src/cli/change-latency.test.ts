// From a change in the API server to the first answer and the first call that have it. `npm run conformance -- kube` measures
// with the bars; here it only has to arrive.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  echo,
  type FakeApiServer,
  type FakeObject,
  startFakeApiServer,
  startPod,
  TestCaller,
  PATIENCE,
} from '@steelyard/testkit';
import { folderWith, startCli } from './cli.test-bed.ts';

const LIMIT = { timeout: 120_000 };
const MEASURED = process.env['STEELYARD_CHANGE_LATENCY'] !== undefined;
const CHANGES = MEASURED ? 200 : 20;
/** Others may use the machine: the bar holds if it does in one of them. */
const ROUNDS = MEASURED ? 5 : 1;
/** Milliseconds, p99. */
const BARS = { dns: 20 * PATIENCE, call: 50 * PATIENCE };

const SERVICE: FakeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'backend' },
  spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'grpc', port: 80, protocol: 'TCP' }] },
};

function slice(address: string, port: number): FakeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address] }],
  };
}

async function start(t: TestContext, first: FakeObject): Promise<{ api: FakeApiServer; kubeconfig: string }> {
  const api = await startFakeApiServer({ transport: 'h2' });
  t.after(() => api.stop());
  for (const resource of ['v1/services', 'discovery.k8s.io/v1/endpointslices', 'v1/pods', 'v1/nodes']) {
    api.store.install(resource);
  }
  api.store.put(SERVICE);
  api.store.put(first);
  const config = `current-context: here
clusters: [{name: c, cluster: {server: "${api.url}", insecure-skip-tls-verify: true}}]
contexts: [{name: here, context: {cluster: c}}]
`;
  return { api, kubeconfig: join(await folderWith(t, { config }), 'config') };
}

/** @param change makes the change with this number and resolves when it is seen */
async function measure(
  t: TestContext,
  what: string,
  barMs: number,
  change: (count: number) => Promise<void>,
): Promise<void> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && !(best < barMs); round++) {
    const took: number[] = [];
    for (let count = 0; count < CHANGES; count++) {
      const from = performance.now();
      await change(round * CHANGES + count);
      took.push(performance.now() - from);
    }
    const sorted = took.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    best = Math.min(best, at(0.99));
    t.diagnostic(`${what}: ${at(0.5).toFixed(1)} ms (p50), ${at(0.99).toFixed(1)} ms (p99) of ${CHANGES} changes`);
  }
  if (MEASURED) assert.ok(best < barMs, `p99 is ${best.toFixed(1)} ms, not under ${barMs}`);
}

/** `backend.default.svc.cluster.local` A. */
const QUERY = Buffer.concat([
  Buffer.from('000101000001000000000000', 'hex'),
  ...['backend', 'default', 'svc', 'cluster', 'local'].map((label) =>
    Buffer.concat([Buffer.of(label.length), Buffer.from(label)]),
  ),
  Buffer.from('0000010001', 'hex'),
]);

async function addressFrom(socket: Socket, port: number): Promise<string> {
  socket.send(QUERY, port, '127.0.0.1');
  const [answer] = await once(socket, 'message');
  assert.ok(Buffer.isBuffer(answer));
  return answer.subarray(-4).join('.');
}

test('to the DNS answer', LIMIT, async (t) => {
  const { api, kubeconfig } = await start(t, slice('10.1.0.1', 8000));
  const args = ['dns', '--listen', '127.0.0.1:0', '--kubeconfig', kubeconfig, '--forward', 'off'];
  const dns = startCli(t, args);
  const text = await dns.said(/answers for cluster\.local on \S+:\d+: /);
  const port = Number(/answers for cluster\.local on \S+:(\d+): /.exec(text)?.[1]);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  while ((await addressFrom(socket, port)) !== '10.1.0.1') await new Promise(setImmediate);
  await measure(t, 'from the event to the DNS answer', BARS.dns, async (count) => {
    const address = `10.2.${count >> 8}.${count & 255}`;
    api.store.put(slice(address, 8000));
    while ((await addressFrom(socket, port)) !== address) await new Promise(setImmediate);
  });
});

test('to the call on the new Pod', LIMIT, async (t) => {
  const pods = [await startPod(echo), await startPod(echo)] as const;
  t.after(() => Promise.all(pods.map((pod) => pod.close())));
  const { api, kubeconfig } = await start(t, slice('127.0.0.1', pods[0].port));
  const args = ['proxy', '--listen', '127.0.0.1:0', '--kubeconfig', kubeconfig, '--service', 'backend.default:80'];
  const proxy = startCli(t, args);
  const text = await proxy.said(/127\.0\.0\.1:\d+/);
  const caller = new TestCaller(Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1]));
  t.after(() => caller.close());
  await measure(t, 'from the event to the call on the new Pod', BARS.call, async (count) => {
    const pod = pods[(count + 1) % 2];
    assert.ok(pod !== undefined);
    const before = pod.calls;
    api.store.put(slice('127.0.0.1', pod.port));
    while (pod.calls === before) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
  });
});
