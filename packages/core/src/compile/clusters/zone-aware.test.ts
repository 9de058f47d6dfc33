import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainCall } from '../../routing/index.ts';
import type { CompilerOptions } from '../compiler.ts';
import { createCompiler } from '../compiler.ts';
import { codes, compile, destinationRule, FULL, service } from '../compile.test-bed.ts';

const zoned = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', port: 8000 }],
  endpoints: ['a', 'a', 'b', 'b', 'b', 'b'].map((zone, index) => ({ addresses: [`10.0.0.${index + 1}`], zone })),
};
const oneZone = { ...zoned, endpoints: zoned.endpoints.slice(0, 2) };
const by = (loadBalancer: object, slice: object = zoned): readonly object[] => [
  service('backend'),
  slice,
  destinationRule('d', { host: 'backend', trafficPolicy: { loadBalancer } }),
];
const inA: CompilerOptions = { clientLocality: { region: 'r', zone: 'a', subzone: '' } };
const zoneAwareLbSetting = { enabled: true };
const name = `outbound|8000||${FULL}`;

const CASES: readonly [string, readonly object[], CompilerOptions, object | undefined, readonly string[]][] = [
  ['by zone', by({ zoneAwareLbSetting }), inA, { locality: 'r/a/', minClusterSize: 6 }, []],
  ['of two', by({ zoneAwareLbSetting: { minClusterSize: 2 } }), inA, { locality: 'r/a/', minClusterSize: 2 }, []],
  ['off', by({ zoneAwareLbSetting: { enabled: false } }), inA, undefined, []],
  ['keys know no zones', by({ zoneAwareLbSetting, consistentHash: { httpHeaderName: 'k' } }), inA, undefined, []],
  ['a sole zone', by({ zoneAwareLbSetting }, oneZone), inA, undefined, []],
  ['nobody said where', by({ zoneAwareLbSetting }), {}, undefined, ['callers-unknown d']],
  ['nobody said where, and off', by({ zoneAwareLbSetting: { enabled: false } }), {}, undefined, []],
];

for (const [what, objects, client, zoneAware, findings] of CASES) {
  test(`zoneAwareLbSetting: ${what}`, () => {
    const snapshot = compile(objects, createCompiler(client));
    const cluster = snapshot.clusters.get(name);
    assert.deepEqual(cluster?.zoneAware, zoneAware);
    assert.equal(cluster?.localities === undefined, zoneAware === undefined);
    assert.deepEqual(codes(snapshot), findings);
  });
}

test('explain tells it with the field and the shares', () => {
  const snapshot = compile(by({ simple: 'RANDOM', zoneAwareLbSetting }), createCompiler(inA));
  const options = { namespace: 'default', listenPort: 8000 };
  const { steps, shares } = explainCall(snapshot, { path: '/a/b', authority: 'backend' }, options);
  const step = steps.find((one) => one.step === 'locality');
  assert.deepEqual([step?.object?.name, step?.field], ['d', 'spec.trafficPolicy.loadBalancer.zoneAwareLbSetting']);
  assert.match(step?.because.join(' ') ?? '', /Of priority 0 they stay in r\/a\/ as far as its endpoints suffice/);
  // Half of the callers, a third of the endpoints: two thirds stay.
  assert.deepEqual(
    shares.map(({ share }) => Math.round(share * 1200)),
    [400, 400, 100, 100, 100, 100],
  );
});
