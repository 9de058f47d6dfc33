import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { AddressedService } from '@steelyard/core/routing';
import { startPod, startTcpRelay, type TestCaller } from '@steelyard/testkit';
import { startProxy } from '../proxy.ts';
import { named, newCaller, whoAnswers } from './proxy-rules.test-bed.ts';
import { cleanUp, silent } from './proxy.test-bed.ts';
import { says } from './retries/scripted-pods.test-bed.ts';

const NAMES = ['a', 'b', 'c'];

interface Passing {
  readonly clusterIP: string;
  /** Of the Service. */
  readonly port: number;
  readonly podPorts: readonly number[];
  readonly trafficPolicy?: object;
  readonly http?: readonly object[];
  /** What an authority means that names no Service. */
  readonly service?: AddressedService;
}

async function startPassing({ clusterIP, port, podPorts, trafficPolicy, http, service }: Passing): Promise<TestCaller> {
  const policy = { loadBalancer: { simple: 'PASSTHROUGH' }, ...trafficPolicy };
  const istio = (kind: string, spec: object): object => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: 'backend' },
    spec,
  });
  const values = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'backend' },
      spec: { clusterIP, ports: [{ name: 'grpc', port }] },
    },
    ...podPorts.map((podPort, index) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `backend-${index}`, labels: { 'kubernetes.io/service-name': 'backend' } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port: podPort }],
      endpoints: [{ addresses: ['127.0.0.1'], hostname: `backend-${index}` }],
    })),
    istio('DestinationRule', { host: 'backend', trafficPolicy: policy }),
    ...(http === undefined ? [] : [istio('VirtualService', { hosts: ['backend'], http })]),
  ];
  const documents = values.map((value) => ({ file: 'a', value, locate: () => undefined }));
  const current = createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const proxy = await startProxy({
    snapshots: { current, subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    random: createSeededRandom(7),
    ...(service !== undefined && { service }),
  });
  cleanUp.push(() => proxy.close());
  return newCaller(proxy.address.port);
}

async function startNamed(behaviours = NAMES.map((name) => named(name))): Promise<readonly number[]> {
  const pods = await Promise.all(behaviours.map((behaviour) => startPod(behaviour)));
  for (const pod of pods) cleanUp.push(() => pod.close());
  return pods.map(({ port }) => port);
}

const calls = (count: number, headers: object): readonly object[] => Array.from({ length: count }, () => headers);

/** Does what the kernel's rules do: chooses a pod for each connection to the Service's address. */
async function startKernel(choose: (connection: number) => number): Promise<number> {
  let connections = 0;
  const relay = await startTcpRelay(() => choose(connections++));
  cleanUp.push(() => relay.close());
  return relay.port;
}

describe('PASSTHROUGH: a Service with a cluster address', () => {
  test('calls go there, and those of one connection to one pod', async () => {
    const pods = await startNamed();
    const port = await startKernel((connection) => pods[(connection + 1) % pods.length] ?? 0);
    const caller = await startPassing({ clusterIP: '127.0.0.1', port, podPorts: pods });
    const answers = await whoAnswers(caller, calls(20, { ':authority': `backend:${port}` }));
    assert.deepEqual(
      answers,
      Array.from({ length: 20 }, () => 'b'),
    );
  });

  test('each new connection has its own', async () => {
    const pods = await startNamed();
    const port = await startKernel((connection) => pods[connection % pods.length] ?? 0);
    const trafficPolicy = { connectionPool: { http: { maxRequestsPerConnection: 2 } } };
    const caller = await startPassing({ clusterIP: '127.0.0.1', port, podPorts: pods, trafficPolicy });
    const answers = await whoAnswers(caller, calls(8, { ':authority': `127.0.0.1:${port}` }));
    assert.deepEqual(answers, ['a', 'a', 'b', 'b', 'c', 'c', 'a', 'a']);
  });

  test('a connection that the kernel gives to a pod that is gone is made again', async () => {
    const pods = await startNamed();
    const port = await startKernel((connection) => (connection < 2 ? 1 : (pods[0] ?? 0)));
    const caller = await startPassing({ clusterIP: '127.0.0.1', port, podPorts: pods });
    assert.deepEqual(await whoAnswers(caller, calls(2, { ':authority': `backend:${port}` })), ['a', 'a']);
  });
});

describe('PASSTHROUGH: a headless Service', () => {
  const headless = { clusterIP: 'None', port: 8000 };

  test('calls that name a pod by address or hostname go to that pod', async () => {
    const pods = await startNamed();
    const caller = await startPassing({ ...headless, podPorts: pods });
    for (const [index, port] of pods.entries()) {
      for (const authority of [
        `127.0.0.1:${port}`,
        `backend-${index}.backend:8000`,
        `backend-${index}.backend.default.svc.cluster.local:8000`,
      ]) {
        const answers = await whoAnswers(caller, calls(8, { ':authority': authority }));
        assert.deepEqual(new Set(answers), new Set([NAMES[index]]), authority);
      }
    }
  });

  test('behind a proxy for that Service alone, too', async () => {
    const pods = await startNamed();
    const service = { namespace: 'default', name: 'backend', port: 8000 };
    const caller = await startPassing({ ...headless, podPorts: pods, service });
    const answers = await whoAnswers(caller, calls(8, { ':authority': `127.0.0.1:${pods[2]}` }));
    assert.deepEqual(new Set(answers), new Set(['c']));
  });

  test('calls that name none are balanced', async () => {
    const pods = await startNamed();
    const caller = await startPassing({ ...headless, podPorts: pods });
    const answers = await whoAnswers(caller, calls(32, { ':authority': 'backend:8000' }));
    assert.deepEqual(new Set(answers), new Set(NAMES));
  });

  test('a retry stays at the pod that the call names, and one that cannot be reached is not replaced', async () => {
    let attempts = 0;
    const [first = 0] = await startNamed([
      (stream, headers) => {
        attempts++;
        (attempts === 1 ? says('UNAVAILABLE') : named('a'))(stream, headers);
      },
    ]);
    const [second = 0] = await startNamed([named('b')]);
    const http = [{ retries: { attempts: 1, backoff: '1ms' }, route: [{ destination: { host: 'backend' } }] }];
    const caller = await startPassing({ ...headless, podPorts: [first, second, 1], http });
    const authority = { ':authority': `127.0.0.1:${first}` };
    assert.deepEqual(await whoAnswers(caller, [authority, authority]), ['a', 'a']);
    assert.equal(attempts, 3);
    const gone = { ':authority': 'backend-2.backend:8000' };
    assert.deepEqual(await whoAnswers(caller, [gone, gone]), ['status 14', 'status 14']);
  });
});
