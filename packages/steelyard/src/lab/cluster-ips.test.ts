import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import type { Snapshot } from '@steelyard/core/model';
import { withClusterIps } from './cluster-ips.ts';
import { pod, snapshotOf } from './lab.test-bed.ts';

/** Manifests say `clusterIP: None` of headless Services, and nothing of the others. */
function withoutClusterIps(...names: readonly string[]): Snapshot {
  const pods = (name: string): readonly ReturnType<typeof pod>[] => [
    pod(name.startsWith('six') ? 'fd00::1' : '10.0.0.1'),
  ];
  const base = snapshotOf(...names.map((name) => ({ name, pods: pods(name) })));
  const services = [...base.services].map(([key, entry]) => {
    return [key, { ...entry, service: { ...entry.service, headless: entry.service.name === 'headless' } }] as const;
  });
  return { ...base, services: new Map(services) };
}

function addressesOf(snapshot: Snapshot): ReadonlyMap<string, readonly string[]> {
  return new Map([...snapshot.services.values()].map(({ service }) => [service.name, service.clusterIps]));
}

test('Services without a ClusterIP get one of their own, of the family of their pods', () => {
  const names = Array.from({ length: 2000 }, (_, index) => `${index % 2 === 0 ? 'four' : 'six'}-${index}`);
  const given = addressesOf(withClusterIps(withoutClusterIps(...names)));
  for (const [name, addresses] of given) {
    assert.equal(addresses.length, 1, name);
    assert.equal(isIP(addresses[0] ?? ''), name.startsWith('four') ? 4 : 6, `${name}: ${addresses.join()}`);
  }
  assert.equal(new Set([...given.values()].flat()).size, 2000);
  assert.deepEqual(addressesOf(withClusterIps(withoutClusterIps(...names))), given);
});

test('a headless Service gets none, and one that has its own keeps it', () => {
  const base = withoutClusterIps('headless', 'api');
  const given = withClusterIps(base);
  assert.deepEqual(addressesOf(given).get('headless'), []);
  assert.equal(withClusterIps(given), given);
});
