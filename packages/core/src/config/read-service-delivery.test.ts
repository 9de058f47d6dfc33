import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigObject } from './config-object.ts';
import { parseObjects } from './parse-objects.ts';

function parse(value: object): { object: ConfigObject | undefined; findings: string[] } {
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'home',
  });
  return { object: objects[0]?.object, findings: diagnostics.map(({ code, path }) => `${code} ${path ?? ''}`) };
}

function service(spec: object, rest: object = {}): ReturnType<typeof parse> {
  const ports = [{ name: 'p', port: 80, nodePort: 30_080 }];
  return parse({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports, ...spec }, ...rest });
}

/** What the rules need of a Service, without what every Service has. */
function deliveryOf({ object }: ReturnType<typeof parse>): object {
  if (object?.kind !== 'Service') return {};
  const { kind: _k, namespace: _n, name: _m, type: _t, headless: _h, clusterIps: _c, position: _p, ...rest } = object;
  return rest;
}

const port = { name: 'p', protocol: 'TCP', port: 80, targetPort: 80 };
const nodePort = { ...port, nodePort: 30_080 };

test('everything that the rules act on is kept, and one finding says that the proxy does not', () => {
  const found = service(
    {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31_000,
      loadBalancerSourceRanges: [' 10.0.0.0/8 ', 'FD00::/16'],
    },
    {
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { ip: '1.2.3.5', ipMode: 'Proxy' }, { hostname: 'x' }] } },
    },
  );
  assert.deepEqual(deliveryOf(found), {
    ports: [nodePort],
    loadBalancerIps: ['1.2.3.4'],
    loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00::/16'],
    healthCheckNodePort: 31_000,
    externalTrafficPolicy: 'Local',
  });
  assert.deepEqual(found.findings, [
    'field-not-honoured spec.loadBalancerSourceRanges',
    'field-not-honoured spec.type',
  ]);
});

const KEPT: readonly [object, object][] = [
  [{ type: 'NodePort' }, { ports: [nodePort] }],
  [{ type: 'ClusterIP' }, { ports: [port] }],
  [{ externalIPs: ['010.0.0.1', 'FD00:0::1'] }, { ports: [port], externalIps: ['10.0.0.1', 'fd00::1'] }],
  [{ internalTrafficPolicy: 'Local' }, { ports: [port], internalTrafficPolicy: 'Local' }],
  [{ externalTrafficPolicy: 'Local' }, { ports: [port] }],
  [{ sessionAffinity: 'ClientIP' }, { ports: [port], sessionAffinityTimeoutS: 10_800 }],
  [
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } },
    { ports: [port], sessionAffinityTimeoutS: 5 },
  ],
  [{ sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }, { ports: [port] }],
];

test('each field alone', () => {
  for (const [spec, expected] of KEPT) assert.deepEqual(deliveryOf(service(spec)), expected, JSON.stringify(spec));
});

const WRONG: readonly [object, string][] = [
  [{ externalIPs: ['x'] }, 'invalid-value spec.externalIPs[0]'],
  [{ loadBalancerSourceRanges: ['10.0.0.0'] }, 'invalid-value spec.loadBalancerSourceRanges[0]'],
  [{ loadBalancerSourceRanges: ['10.0.0.0/33'] }, 'invalid-value spec.loadBalancerSourceRanges[0]'],
  [{ internalTrafficPolicy: 'Near' }, 'invalid-value spec.internalTrafficPolicy'],
  [{ healthCheckNodePort: 70_000 }, 'invalid-value spec.healthCheckNodePort'],
  [
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
    'invalid-value spec.sessionAffinityConfig.clientIP.timeoutSeconds',
  ],
];

test('what is wrong is said with its place, and the Service is not used', () => {
  for (const [spec, finding] of WRONG) {
    const { object, findings } = service(spec);
    assert.equal(findings.includes(finding), true, findings.join(', '));
    assert.equal(object, undefined);
  }
});

test('the proxy of another name keeps its Service', () => {
  const labels = { 'service.kubernetes.io/service-proxy-name': 'other' };
  const found = service({}, { metadata: { name: 'web', labels } });
  assert.deepEqual(deliveryOf(found), { ports: [port], serviceProxyName: 'other' });
  assert.equal(found.findings.length > 0, true);
});

test('a Node is its zone, its own addresses and its Pods’ networks', () => {
  const { object, findings } = parse({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } },
    spec: { podCIDR: '10.1.0.0/24', taints: [] },
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.168.0.2' },
        { type: 'Hostname', address: 'n1' },
      ],
    },
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(object, {
    kind: 'Node',
    namespace: 'home',
    name: 'n1',
    zone: 'z1',
    internalIps: ['192.168.0.2'],
    podCidrs: ['10.1.0.0/24'],
    position: { file: 'a' },
  });
});

test('hints name zones and nodes', () => {
  const { object } = parse({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 's' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] } }],
  });
  assert.ok(object?.kind === 'EndpointSlice');
  const [endpoint] = object.endpoints;
  assert.deepEqual([endpoint?.zoneHints, endpoint?.nodeHints], [['z1'], ['n1']]);
});
