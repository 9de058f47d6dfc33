import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from './config-object.ts';
import { parseObjects } from './parse-objects.ts';

function parse(fields: object): { slice: EndpointSlice | undefined; findings: string[] } {
  const labels = { 'kubernetes.io/service-name': 'backend' };
  const value = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 's', labels },
    ...fields,
  };
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'home',
  });
  const object = objects[0]?.object;
  return {
    slice: object?.kind === 'EndpointSlice' ? object : undefined,
    findings: diagnostics.map(({ code, path }) => `${code} ${path ?? ''}`),
  };
}

const CONDITIONS: readonly [unknown, object][] = [
  // KEP-1672: nil is ready, serving and not terminating.
  [undefined, { ready: true, serving: true, terminating: false }],
  [{}, { ready: true, serving: true, terminating: false }],
  [{ ready: null }, { ready: true, serving: true, terminating: false }],
  [
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: true, terminating: true },
  ],
  [
    { ready: false, serving: false },
    { ready: false, serving: false, terminating: false },
  ],
];

test('nil conditions mean what Kubernetes says', () => {
  for (const [conditions, expected] of CONDITIONS) {
    const { slice } = parse({ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'], conditions }] });
    assert.deepEqual(slice?.endpoints[0]?.conditions, expected);
  }
});

test('a slice as its controller writes it', () => {
  const { slice, findings } = parse({
    addressType: 'IPv6',
    ports: [
      { name: 'grpc', port: 8000, protocol: 'TCP', appProtocol: 'grpc' },
      { port: 1 },
      { name: '', port: 2, protocol: 'UDP' },
    ],
    endpoints: [
      {
        addresses: ['FD00::0:1'],
        targetRef: { kind: 'Pod', namespace: 'home', name: 'pod-0', uid: 'u' },
        hostname: 'pod-0',
        nodeName: 'n1',
        zone: 'z1',
      },
      { addresses: ['fd00::2'], targetRef: { kind: 'Node', name: 'n2' } },
    ],
  });
  const conditions = { ready: true, serving: true, terminating: false };
  assert.deepEqual(findings, []);
  assert.deepEqual(slice, {
    kind: 'EndpointSlice',
    namespace: 'home',
    name: 's',
    serviceName: 'backend',
    family: 'IPv6',
    ports: [
      { name: 'grpc', protocol: 'TCP', port: 8000 },
      { name: '', protocol: 'TCP', port: 1 },
      { name: '', protocol: 'UDP', port: 2 },
    ],
    endpoints: [
      { addresses: ['fd00::1'], conditions, podName: 'pod-0', hostname: 'pod-0', nodeName: 'n1', zone: 'z1' },
      { addresses: ['fd00::2'], conditions },
    ],
    position: { file: 'a' },
  });
});

const FINDINGS: readonly [object, string, boolean][] = [
  [{ addressType: 'FQDN', endpoints: [{ addresses: ['a.example'] }] }, 'fqdn-slice addressType', false],
  [{ addressType: 'IPv4', ports: [{ name: 'a' }] }, 'slice-port-without-number ports[0]', true],
  [{ addressType: 'IPv4', ports: [{ name: 'a', port: 0 }] }, 'slice-port-without-number ports[0]', true],
  [
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1', '10.0.0.2'] }] },
    'field-not-honoured endpoints[0].addresses[1]',
    true,
  ],
  [{}, 'missing-field ', false],
  [{ addressType: 'IPv5' }, 'invalid-value addressType', false],
  [{ addressType: 'IPv4', endpoints: [{}] }, 'missing-field endpoints[0]', false],
  [{ addressType: 'IPv4', endpoints: [{ addresses: [] }] }, 'invalid-value endpoints[0].addresses', false],
  [{ addressType: 'IPv4', endpoints: [{ addresses: ['::1'] }] }, 'invalid-value endpoints[0].addresses[0]', false],
  [{ addressType: 'IPv6', endpoints: [{ addresses: ['10.0.0.1'] }] }, 'invalid-value endpoints[0].addresses[0]', false],
  [{ addressType: 'IPv4', endpoints: [{ addresses: [1] }] }, 'wrong-type endpoints[0].addresses[0]', false],
  [
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: 'yes' } }] },
    'wrong-type endpoints[0].conditions.ready',
    false,
  ],
  [{ addressType: 'IPv4', ports: [{ name: 'a', port: 'x' }] }, 'wrong-type ports[0].port', false],
  [{ addressType: 'IPv4', spec: {} }, 'unknown-field spec', true],
];

test('findings say their place, and whether the slice is used', () => {
  for (const [fields, finding, used] of FINDINGS) {
    const { slice, findings } = parse(fields);
    assert.deepEqual(findings, [finding], JSON.stringify(fields));
    assert.equal(slice !== undefined, used, JSON.stringify(fields));
  }
});

test('hints, which the controller writes on every endpoint, are reported once', () => {
  const hinted = { addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'z1' }] } };
  const { findings } = parse({ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.3'] }, hinted, hinted] });
  assert.deepEqual(findings, ['field-not-honoured endpoints[1].hints']);
});
