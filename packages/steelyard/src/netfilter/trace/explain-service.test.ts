import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compileNftables } from '../nftables/compile-nftables.ts';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import type { ServiceExplanation } from './explain-service.ts';
import { explainService } from './explain-service.ts';
import { parseIptablesSave } from '../iptables/parse-iptables-save.ts';
import type { KubeObject } from '../compile/random-objects.test-bed.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import { renderIptables } from '../iptables/render-iptables.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { serviceAddresses } from '../compile/service-addresses.ts';

function objects(spec: object, pods: number): readonly KubeObject[] {
  const metadata = { name: 'web', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'web' } };
  const ports = [{ name: 'p', port: 8080 }];
  const endpoints = Array.from({ length: pods }, (_, index) => ({ addresses: [`10.0.0.${index + 1}`] }));
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { clusterIP: '172.30.0.1', ports: [{ name: 'p', port: 80 }], ...spec },
    },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports, endpoints },
  ];
}

function explained(ruleSet: RuleSet): ServiceExplanation {
  const [address] = serviceAddresses(ruleSet);
  assert.ok(address !== undefined);
  return explainService(ruleSet, address);
}

suite('explainService', () => {
  test('affinity: how many clients the kernel remembers, by mode', () => {
    const snapshot = snapshotOf(objects({ sessionAffinity: 'ClientIP' }, 2));
    assert.equal(explained(compileRuleSet(snapshot, { family: 'IPv4' })).affinityClients, 100);
    assert.equal(explained(compileRuleSet(snapshot, { family: 'IPv4', affinitySets: true })).affinityClients, 65_536);
    assert.equal(explained(compileNftables(snapshot, { family: 'IPv4' })).affinityClients, 65_535);
    assert.equal(explained(compileRuleSet(snapshotOf(objects({}, 2)), { family: 'IPv4' })).affinityClients, undefined);
  });

  for (const compile of [compileRuleSet, compileNftables]) {
    test(`${compile.name}: the Service is found by its name, and asked about from one of its own pods`, () => {
      const localPods = { kind: 'network', network: '10.0.0.0/8' } as const;
      const ruleSet = compile(snapshotOf(objects({}, 4)), { family: 'IPv4', localPods });
      const found = explained(ruleSet);
      assert.deepEqual(
        [found.name, found.address, found.port, found.kind],
        ['ns/web:p', '172.30.0.1', 80, 'cluster IP'],
      );
      assert.equal(found.source, '10.255.255.254');
      assert.deepEqual(
        found.pods.map(({ masqueraded }) => masqueraded),
        [false, false, false, false],
      );
    });
  }

  test('without comments, and with a policy that drops in the end', () => {
    const ruleSet = compileRuleSet(snapshotOf(objects({}, 2)), { family: 'IPv4' });
    const text = renderIptables(ruleSet, { builtInChains: true })
      .replaceAll(/-m comment --comment ("[^"]*"|\S+) /g, '')
      .replace(':FORWARD ACCEPT', ':FORWARD DROP');
    const [bare] = parseIptablesSave(text).ruleSets;
    assert.ok(bare !== undefined);
    const found = explained(bare);
    assert.deepEqual([found.name, found.pods.length, found.dropped, found.policyDrops], [undefined, 2, 0, true]);
  });
});
