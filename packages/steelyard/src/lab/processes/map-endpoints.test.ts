import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod, snapshotOf } from '../lab.test-bed.ts';
import { mapEndpoints } from './map-endpoints.ts';

const A = pod('10.0.0.1', 8000, { podName: 'a' });
const B = pod('fd00::2', 8000, { podName: 'b' });
const snapshot = snapshotOf({ name: 'api', clusterIp: '10.1.0.1', pods: [A, B] }, { name: 'apih', pods: [A, B] });

test('endpoints move in Services and clusters alike, and keep the rest of what is known of them', () => {
  const mapped = mapEndpoints(snapshot, ({ podName }) => ({
    host: podName === 'a' ? '127.0.0.9' : '127.0.0.8',
    port: 7,
  }));
  const moved = [
    { ...B, address: '127.0.0.8', port: 7, family: 'IPv4' },
    { ...A, address: '127.0.0.9', port: 7 },
  ];
  for (const entry of mapped.services.values()) assert.deepEqual(entry.ports[0]?.endpoints, moved);
  for (const cluster of mapped.clusters.values()) assert.deepEqual(cluster.endpoints, moved, 'in the order of ip:port');
});

test('an endpoint stays one object wherever it appears', () => {
  const mapped = mapEndpoints(snapshot, () => ({ host: '127.0.0.1', port: 1 }));
  const everywhere = [...mapped.services.values()].flatMap((entry) => entry.ports[0]?.endpoints ?? []);
  assert.equal(everywhere.length, 4);
  assert.equal(new Set(everywhere).size, 2);
});

test('an endpoint without a new place stays, and so does all else', () => {
  const mapped = mapEndpoints(snapshot, () => undefined);
  assert.deepEqual(mapped, snapshot);
  assert.equal([...mapped.services.values()][0]?.ports[0]?.endpoints[0], A);
});
