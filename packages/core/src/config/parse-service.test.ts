import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../model/index.ts';
import { parseObjects } from './parse-objects.ts';

function parse(spec: unknown): { service: Service | undefined; findings: string[] } {
  const value = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'backend' }, spec };
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'home',
  });
  const object = objects[0]?.object;
  return {
    service: object?.kind === 'Service' ? object : undefined,
    findings: diagnostics.map(({ code, path }) => `${code} ${path ?? ''}`),
  };
}

const port = { name: 'grpc', port: 8000 };

test('what an API server fills in by default gets no word', () => {
  const { service, findings } = parse({
    type: 'ClusterIP',
    clusterIP: '10.97.211.12',
    clusterIPs: ['10.97.211.12', 'FD00:0::1'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'PreferDualStack',
    internalTrafficPolicy: 'Cluster',
    sessionAffinity: 'None',
    selector: { app: 'backend' },
    publishNotReadyAddresses: true,
    externalIPs: [],
    loadBalancerIP: '',
    ports: [{ ...port, protocol: 'TCP', targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c', nodePort: 0 }],
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(service, {
    kind: 'Service',
    namespace: 'home',
    name: 'backend',
    type: 'ClusterIP',
    headless: false,
    clusterIps: ['10.97.211.12', 'fd00::1'],
    ports: [{ name: 'grpc', protocol: 'TCP', port: 8000, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' }],
    position: { file: 'a' },
  });
});

test('an outside type gets one finding, however much the API server filled in for it', () => {
  const filledIn = { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Local', healthCheckNodePort: 30_001 };
  const { findings } = parse({ type: 'LoadBalancer', ...filledIn, ports: [{ ...port, nodePort: 30_000 }] });
  assert.deepEqual(findings, ['field-not-honoured spec.type']);
});

test('headless and ExternalName Services have no cluster address', () => {
  for (const spec of [{ clusterIP: 'None' }, { clusterIPs: ['None'] }]) {
    const { service, findings } = parse(spec);
    assert.deepEqual([service?.headless, service?.clusterIps, findings], [true, [], []]);
  }
  const { service, findings } = parse({ type: 'ExternalName', externalName: 'Db.Example.COM.' });
  assert.deepEqual([service?.headless, service?.clusterIps, service?.externalName], [false, [], 'db.example.com']);
  assert.deepEqual(findings, []);
});

const NOT_HONOURED: readonly [object, string][] = [
  [{ sessionAffinity: 'ClientIP' }, 'spec.sessionAffinity'],
  [{ trafficDistribution: 'PreferSamePlanet' }, 'spec.trafficDistribution'],
  [{ trafficDistribution: 'prefersamezone' }, 'spec.trafficDistribution'],
  [{ externalIPs: ['1.2.3.4'] }, 'spec.externalIPs'],
  [{ loadBalancerIP: '1.2.3.4' }, 'spec.loadBalancerIP'],
  [{ loadBalancerSourceRanges: ['10.0.0.0/8'] }, 'spec.loadBalancerSourceRanges'],
  [{ ports: [{ ...port, nodePort: 30_000 }] }, 'spec.ports[0].nodePort'],
];

test('what is not honoured is said, and the Service is used', () => {
  for (const [spec, path] of NOT_HONOURED) {
    const { service, findings } = parse({ ports: [port], ...spec });
    assert.deepEqual(findings, [`field-not-honoured ${path}`]);
    assert.notEqual(service, undefined);
  }
});

const WRONG: readonly [unknown, string][] = [
  [undefined, 'missing-field '],
  ['x', 'wrong-type spec'],
  [{}, 'missing-field spec'],
  [{ ports: 8000 }, 'wrong-type spec.ports'],
  [{ ports: [8000] }, 'wrong-type spec.ports[0]'],
  [{ ports: [{ name: 'a' }] }, 'missing-field spec.ports[0]'],
  [{ ports: [{ port: '8000' }] }, 'wrong-type spec.ports[0].port'],
  [{ ports: [{ port: 0 }] }, 'invalid-value spec.ports[0].port'],
  [{ ports: [{ port: 65_536 }] }, 'invalid-value spec.ports[0].port'],
  [{ ports: [{ port: 80.5 }] }, 'wrong-type spec.ports[0].port'],
  [{ ports: [{ port: 80, targetPort: true }] }, 'wrong-type spec.ports[0].targetPort'],
  [{ ports: [{ port: 80, protocol: 'QUIC' }] }, 'invalid-value spec.ports[0].protocol'],
  [{ ports: [{ port: 80, name: 'A' }] }, 'invalid-value spec.ports[0].name'],
  [{ ports: [{ port: 80, name: 'a' }, { port: 81 }] }, 'missing-field spec.ports[1]'],
  [
    {
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'a' },
      ],
    },
    'invalid-value spec.ports[1]',
  ],
  [
    {
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
    },
    'invalid-value spec.ports[1]',
  ],
  [{ ports: [port], clusterIP: '10.0.0.256' }, 'invalid-value spec.clusterIP'],
  [{ ports: [port], clusterIPs: ['10.0.0.1', 'x'] }, 'invalid-value spec.clusterIPs[1]'],
  [{ ports: [port], clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.2'] }, 'invalid-value spec.clusterIPs[0]'],
  [{ ports: [port], type: 'clusterip' }, 'invalid-value spec.type'],
  [{ type: 'ExternalName' }, 'missing-field spec'],
  [{ ports: [port], selector: { app: 1 } }, 'wrong-type spec.selector.app'],
];

test('what is wrong is said with its place, and the Service is not used', () => {
  for (const [spec, finding] of WRONG) {
    const { service, findings } = parse(spec);
    assert.deepEqual(findings, [finding], JSON.stringify(spec));
    assert.equal(service, undefined);
  }
});
