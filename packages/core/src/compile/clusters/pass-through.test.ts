import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../model/index.ts';
import { backend, compile, destinationRule, FULL, pod, service, simple, slice } from '../compile.test-bed.ts';
import { createCompiler } from '../compiler.ts';

const withAddresses = (...clusterIPs: readonly string[]): object =>
  service('backend', { clusterIP: clusterIPs[0], clusterIPs, ipFamilies: clusterIPs.map(() => 'IPv4') });
const twoPods = slice('backend', ['p1', 'p2']);
const passes = (more: object = {}): object =>
  destinationRule('d', { host: 'backend', trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' }, ...more } });
const keysOf = (cluster: Cluster | undefined): readonly string[] =>
  cluster?.endpoints.map(({ address, port }) => `${address} ${port}`) ?? [];
const all = `outbound|8000||${FULL}`;

const CASES: readonly [string, readonly object[], readonly string[], true | undefined, readonly RegExp[]][] = [
  ['a Service with an address', [withAddresses('10.96.0.7'), twoPods, passes()], ['10.96.0.7 8000'], true, []],
  ['of two families the first', [withAddresses('fd00::7', '10.96.0.7'), passes()], ['fd00::7 8000'], true, []],
  ['without pods, too', [withAddresses('10.96.0.7'), passes()], ['10.96.0.7 8000'], true, []],
  [
    'a headless Service',
    [service('backend', { clusterIP: 'None' }), twoPods, passes()],
    ['10.0.0.1 8000', '10.0.0.2 8000'],
    undefined,
    [/^field-not-honoured .*simple: .* has no cluster address: a call goes to the pod that its :authority names/],
  ],
  [
    'a Service whose address is not known',
    [...backend, passes()],
    ['10.0.0.1 8000', '10.0.0.2 8000'],
    undefined,
    [/has no cluster address/],
  ],
  [
    'what goes by endpoints has no effect',
    [withAddresses('10.96.0.7'), twoPods, passes({ outlierDetection: {} })],
    ['10.96.0.7 8000'],
    true,
    [/^field-without-effect spec.trafficPolicy.loadBalancer.simple: .*: outlierDetection\.$/],
  ],
];

for (const [name, objects, endpoints, toServiceAddress, findings] of CASES) {
  test(`PASSTHROUGH: ${name}`, () => {
    const snapshot = compile(objects);
    const cluster = snapshot.clusters.get(all);
    assert.equal(cluster?.loadBalancer.kind, 'PASSTHROUGH');
    assert.deepEqual(keysOf(cluster), endpoints);
    assert.equal(cluster.toServiceAddress, toServiceAddress);
    assert.deepEqual([cluster.outlierDetection, cluster.localities, cluster.warmup], [undefined, undefined, undefined]);
    const found = snapshot.diagnostics
      .filter(({ code }) => code.startsWith('field-'))
      .map(({ code, path, message }) => `${code} ${path ?? ''}: ${message}`);
    assert.equal(found.length, findings.length, found.join('\n'));
    for (const [index, pattern] of findings.entries()) assert.match(found[index] ?? '', pattern);
  });
}

test('PASSTHROUGH for a port or a subset is theirs alone', () => {
  const spec = {
    host: 'backend',
    trafficPolicy: {
      loadBalancer: { simple: 'RANDOM' },
      portLevelSettings: [
        { port: { number: 8001 }, loadBalancer: { simple: 'PASSTHROUGH' }, outlierDetection: { interval: '1s' } },
      ],
    },
    subsets: [
      { name: 'v1', labels: { version: 'v1' }, ...simple('PASSTHROUGH') },
      { name: 'v2', labels: { version: 'v2' } },
    ],
  };
  const ports = ['grpc', 'grpc-two'].map((name, index) => ({ name, port: 8000 + index }));
  const snapshot = compile([
    service('backend', { clusterIP: '10.96.0.7', ports }),
    twoPods,
    pod('p1', { version: 'v1' }),
    pod('p2', { version: 'v2' }),
    destinationRule('d', spec),
  ]);
  const found = [all, `outbound|8001||${FULL}`, `outbound|8000|v1|${FULL}`, `outbound|8000|v2|${FULL}`].map((name) => {
    const cluster = snapshot.clusters.get(name);
    return [cluster?.loadBalancer.kind, ...keysOf(cluster)];
  });
  assert.deepEqual(found, [
    ['RANDOM', '10.0.0.1 8000', '10.0.0.2 8000'],
    ['PASSTHROUGH', '10.96.0.7 8001'],
    ['PASSTHROUGH', '10.96.0.7 8000'],
    ['RANDOM', '10.0.0.2 8000'],
  ]);
  const idle = snapshot.diagnostics.filter(({ code }) => code === 'field-without-effect');
  assert.deepEqual(
    idle.map(({ path, message }) => [path, message.split(': ')[1]]),
    [
      ['spec.subsets[0]', 'the labels of subset "v1".'],
      ['spec.trafficPolicy.portLevelSettings[port 8001].loadBalancer.simple', 'outlierDetection.'],
      // Of port 8001, whose settings hold for the subsets as well.
      ['spec.subsets[0]', 'outlierDetection, the labels of subset "v1".'],
      ['spec.subsets[1]', 'outlierDetection, the labels of subset "v2".'],
    ],
  );
});

test('a pod more or less is no change of a cluster whose calls go to the Service', () => {
  const compiler = createCompiler();
  const of = (...pods: readonly string[]): object[] => [withAddresses('10.96.0.7'), slice('backend', pods), passes()];
  const before = compile(of('p1'), compiler).clusters.get(all);
  assert.equal(compile(of('p1', 'p2'), compiler).clusters.get(all), before);
});
