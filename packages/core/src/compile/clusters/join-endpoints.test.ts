import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { EndpointSlice, NodeObject, SliceEndpoint } from '../../config/index.ts';
import { type Endpoint, renderEndpointAddress, type Service } from '../../model/index.ts';
import { joinEndpoints, joinPortless } from './join-endpoints.ts';

const service: Service = {
  kind: 'Service',
  namespace: 'home',
  name: 'backend',
  type: 'ClusterIP',
  headless: false,
  clusterIps: [],
  ports: [
    { name: 'grpc', protocol: 'TCP', port: 80, targetPort: 'grpc' },
    { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
  ],
};

const known = { pods: new Map(), nodes: new Map() };

const READY = { ready: true, serving: true, terminating: false };
const DRAINING = { ready: false, serving: true, terminating: true };

function slice(name: string, endpoints: readonly SliceEndpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  const ports = [{ name: 'grpc', protocol: 'TCP', port: 8000 }] as const;
  return {
    kind: 'EndpointSlice',
    namespace: 'home',
    name,
    serviceName: 'backend',
    family: 'IPv4',
    ports,
    endpoints,
    ...more,
  };
}

function at(address: string, conditions = READY, podName?: string): SliceEndpoint {
  return { addresses: [address], conditions, ...(podName !== undefined && { podName }) };
}

function joined(slices: readonly EndpointSlice[]): readonly Endpoint[] {
  return joinEndpoints(service, slices, known)[0]?.endpoints ?? [];
}

function addresses(slices: readonly EndpointSlice[]): readonly string[] {
  return joined(slices).map(({ address, port }) => renderEndpointAddress(address, port));
}

test('all slices of both families, in the plain string order of ip:port', () => {
  const slices = [
    slice('a', [at('10.0.0.2'), at('10.0.0.10')]),
    slice('b', [at('fd00::1')], { family: 'IPv6' }),
    slice('c', [at('10.0.0.1')], { ports: [{ name: 'grpc', protocol: 'TCP', port: 9000 }] }),
  ];
  assert.deepEqual(addresses(slices), ['10.0.0.10:8000', '10.0.0.1:9000', '10.0.0.2:8000', '[fd00::1]:8000']);
});

test('ports join by name and protocol, never by number', () => {
  const ports = [
    { name: 'other', protocol: 'TCP', port: 80 },
    { name: 'dns', protocol: 'TCP', port: 53 },
    { name: 'dns', protocol: 'UDP', port: 5353 },
  ] as const;
  const [grpc, dns] = joinEndpoints(service, [slice('a', [at('10.0.0.1')], { ports })], known);
  assert.deepEqual(grpc?.endpoints, []);
  assert.deepEqual(
    dns?.endpoints.map(({ port }) => port),
    [5353],
  );
});

test('of two copies of an endpoint the one that is not terminating wins', () => {
  const old = slice('a', [at('10.0.0.1', DRAINING, 'old')]);
  const fresh = slice('b', [at('10.0.0.1', READY, 'new')]);
  for (const slices of [
    [old, fresh],
    [fresh, old],
  ]) {
    assert.deepEqual(
      joined(slices).map(({ podName }) => podName),
      ['new'],
    );
  }
});

test('a copy that is not terminating wins over one that is said to be ready (kube-proxy)', () => {
  const leaving = slice('a', [at('10.0.0.1', { ...READY, terminating: true }, 'old')]);
  const starting = slice('b', [at('10.0.0.1', { ready: false, serving: false, terminating: false }, 'new')]);
  for (const slices of [
    [leaving, starting],
    [starting, leaving],
  ]) {
    assert.deepEqual(
      joined(slices).map(({ podName }) => podName),
      ['new'],
    );
  }
});

test('only the first address of an endpoint counts', () => {
  assert.deepEqual(addresses([slice('a', [{ addresses: ['10.0.0.1', '10.0.0.2'], conditions: READY }])]), [
    '10.0.0.1:8000',
  ]);
});

test('labels come from the Pod of the same namespace', () => {
  const labels = { version: 'v1' };
  const pods = new Map([['home/p', { kind: 'Pod', namespace: 'home', name: 'p', labels } as const]]);
  const [grpc] = joinEndpoints(service, [slice('a', [at('10.0.0.1', READY, 'p'), at('10.0.0.2', READY, 'q')])], {
    ...known,
    pods,
  });
  assert.deepEqual(
    grpc?.endpoints.map((endpoint) => endpoint.labels),
    [labels, undefined],
  );
});

test('the result does not depend on the order of slices', () => {
  const conditions = fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() });
  const endpoint = fc
    .tuple(fc.integer({ min: 1, max: 12 }), conditions)
    .map(([host, state]) => at(`10.0.0.${host}`, state));
  const slices = fc
    .array(fc.array(endpoint, { maxLength: 6 }), { maxLength: 5 })
    .map((all) => all.map((endpoints, index) => slice(`s${index}`, endpoints)));
  fc.assert(
    fc.property(slices, fc.infiniteStream(fc.nat()), (all, keys) => {
      const shuffled = all.map((one) => ({ one, key: keys.next().value })).toSorted((a, b) => a.key - b.key);
      const result = joined(all);
      assert.deepEqual(joined(shuffled.map(({ one }) => one)), result);
      const names = result.map(({ address, port }) => renderEndpointAddress(address, port));
      assert.deepEqual(names, [...new Set(names)].toSorted());
    }),
    { numRuns: 200, seed: 3 },
  );
});

test('a headless Service without ports has its addresses all the same, each once; others have them by port', () => {
  const headless = { ...service, headless: true, ports: [] };
  const slices = [slice('b', [at('10.0.0.2'), at('10.0.0.1', DRAINING)]), slice('a', [at('10.0.0.1')], { ports: [] })];
  const found = joinPortless(headless, slices, known) ?? [];
  assert.deepEqual(
    found.map(({ address, port, conditions }) => [address, port, conditions.ready]),
    [
      ['10.0.0.1', 0, true],
      ['10.0.0.2', 0, true],
    ],
  );
  assert.equal(joinPortless(service, slices, known), undefined);
  assert.equal(joinPortless({ ...headless, headless: false }, slices, known), undefined);
});

test('an endpoint is where its Node is; the zone of its slice counts where the Node says none', () => {
  const node = (name: string, place: object): NodeObject => ({
    kind: 'Node',
    namespace: 'home',
    name,
    internalIps: [],
    podCidrs: [],
    ...place,
  });
  const nodes = new Map([
    ['n1', node('n1', { region: 'r', zone: 'a', subzone: 's' })],
    ['n2', node('n2', {})],
  ]);
  const on = (address: string, nodeName: string): SliceEndpoint => ({ ...at(address), nodeName, zone: 'z' });
  const entries = [on('10.0.0.1', 'n1'), on('10.0.0.2', 'n2'), on('10.0.0.3', 'n3')];
  const [grpc] = joinEndpoints(service, [slice('a', entries)], { ...known, nodes });
  assert.deepEqual(
    grpc?.endpoints.map(({ region, zone, subzone }) => [region, zone, subzone]),
    [
      ['r', 'a', 's'],
      [undefined, 'z', undefined],
      [undefined, 'z', undefined],
    ],
  );
});
