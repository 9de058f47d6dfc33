import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LabError } from './lab-error.ts';
import { pod, snapshotOf, UNREADY } from './lab.test-bed.ts';
import { findLabTarget, podKey } from './lab-target.ts';
import { proxyBalancing } from './ways/proxy-balancing.ts';

const A = pod('10.0.0.1');
const B = pod('10.0.0.2');

const many = snapshotOf(
  { name: 'headless', pods: [A] },
  { name: 'web', clusterIp: '10.1.0.1', portName: 'http', port: 80, pods: [A] },
  { name: 'empty', clusterIp: '10.1.0.2', pods: [] },
  { name: 'udp', clusterIp: '10.1.0.3', protocol: 'UDP', pods: [A] },
  { name: 'api', clusterIp: '10.1.0.4', pods: [A, B, pod('10.0.0.3', 8000, UNREADY)] },
  { name: 'api', namespace: 'other', clusterIp: '10.1.0.5', portName: '', appProtocol: 'kubernetes.io/h2c', pods: [B] },
);

const found: readonly [string | undefined, string][] = [
  [undefined, 'default/api 10.1.0.4'],
  ['api', 'default/api 10.1.0.4'],
  ['api.other', 'other/api 10.1.0.5'],
  ['api.other.svc', 'other/api 10.1.0.5'],
  ['api.other.svc.cluster.local:8000', 'other/api 10.1.0.5'],
  ['api.default:grpc', 'default/api 10.1.0.4'],
  ['web:80', 'default/web 10.1.0.1'],
];

for (const [wanted, expected] of found) {
  test(`--service ${wanted ?? '(none)'} means ${expected}`, () => {
    const { entry, clusterIp } = findLabTarget(many, 'default', wanted);
    assert.equal(`${entry.service.namespace}/${entry.service.name} ${clusterIp}`, expected);
  });
}

const refused: readonly [string, RegExp][] = [
  ['a:b:c', /^--service a:b:c: write NAME, NAME\.NAMESPACE or either:PORT$/],
  ['nope', /^--service nope: no Service default\/nope; there is default\/headless, default\/web, /],
  ['api.nowhere', /no Service nowhere\/api/],
  ['api:9', /^--service api:9: Service default\/api has no such TCP port; it has 8000$/],
  ['udp', /Service default\/udp has no such TCP port; it has none$/],
  ['headless', /^Service default\/headless:8000 has no ClusterIP/],
  ['empty', /^Service default\/empty:8000 has no endpoints/],
];

for (const [wanted, message] of refused) {
  test(`--service ${wanted} is refused with a sentence`, () => {
    assert.throws(
      () => findLabTarget(many, 'default', wanted),
      (error) => error instanceof LabError && message.test(error.message),
    );
  });
}

test('manifests without a Service that fits are refused', () => {
  assert.throws(() => findLabTarget(snapshotOf({ name: 'h', pods: [A] }), 'default'), LabError);
});

test('the pods are the ready ones and those that routes lead to, in the order of ip:port', () => {
  const base = snapshotOf(
    { name: 'v2', clusterIp: '10.1.0.2', portName: 'http', pods: [pod('10.0.0.10'), A] },
    { name: 'api', clusterIp: '10.1.0.1', pods: [B, A, pod('10.0.0.4', 8000, UNREADY)] },
  );
  const [host, virtualHost] = [...base.virtualHosts].find(([name]) => name.startsWith('api')) ?? [];
  assert.ok(host !== undefined && virtualHost !== undefined);
  const destinations = [...base.clusters.keys()].map((cluster) => ({ cluster, weight: 1 }));
  const routed = { ...virtualHost, routes: [{ name: 'split', destinations, totalWeight: 2 }] };
  const target = findLabTarget({ ...base, virtualHosts: new Map([[host, routed]]) }, 'default');
  assert.deepEqual(target.pods.map(podKey), ['10.0.0.10:8000', '10.0.0.1:8000', '10.0.0.2:8000'].toSorted());
});

test('with PASSTHROUGH the Service is no pod of its own, and the proxy has no way of its own', () => {
  const base = snapshotOf({ name: 'api', clusterIp: '10.1.0.1', pods: [B, A] });
  const address = pod('10.1.0.1', 8000, { isService: true });
  const clusters = new Map(
    [...base.clusters].map(([name, cluster]) => [
      name,
      { ...cluster, endpoints: [address], toServiceAddress: true } as const,
    ]),
  );
  const snapshot = { ...base, clusters };
  const target = findLabTarget(snapshot, 'default');
  assert.deepEqual(target.pods.map(podKey), ['10.0.0.1:8000', '10.0.0.2:8000']);
  const passed = proxyBalancing({ snapshot, target, namespace: 'default' });
  assert.ok(typeof passed === 'string' && passed.startsWith('PASSTHROUGH sends'), JSON.stringify(passed));
});

const partners: readonly [string, readonly ReturnType<typeof pod>[], boolean][] = [
  ['the same pods', [B, A], true],
  ['the same pods and an unready one', [A, B, pod('10.0.0.9', 8000, UNREADY)], true],
  ['fewer pods', [A], false],
  ['other ports', [pod('10.0.0.1', 9), pod('10.0.0.2', 9)], false],
];

for (const [name, pods, fits] of partners) {
  test(`a headless Service with ${name} ${fits ? 'serves' : 'does not serve'} the headless way`, () => {
    const snapshot = snapshotOf({ name: 'api', clusterIp: '10.1.0.1', pods: [A, B] }, { name: 'apih', pods });
    const { headless } = findLabTarget(snapshot, 'default');
    assert.equal(typeof headless === 'string' ? headless : headless.entry.service.name, fits ? 'apih' : headless);
    if (!fits) assert.equal(headless, 'no headless Service has the pods of default/api:8000');
  });
}
