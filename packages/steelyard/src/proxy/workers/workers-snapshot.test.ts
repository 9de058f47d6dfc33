import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serialize, deserialize } from 'node:v8';
import type { Snapshot } from '@steelyard/core/model';
import { createTestSource } from '@steelyard/testkit';
import { DeltaSource, diffSnapshots } from './workers-snapshot.ts';

/** As the channel between processes does it. */
function copied<T>(value: T): T {
  return deserialize(serialize(value));
}

/** What a data plane reads of a Snapshot. */
function dataOf({ version, clusterDomain, services, virtualHosts, clusters }: Snapshot): unknown {
  return { version, clusterDomain, services, virtualHosts, clusters };
}

describe('Snapshots on their way to a worker', () => {
  test('arrive as they are, one after the other', () => {
    const source = createTestSource([{ port: 1001 }]);
    let last = source.current;
    const worker = new DeltaSource(copied(diffSnapshots(undefined, last)));
    assert.deepEqual(dataOf(worker.current), dataOf(last));
    for (const ports of [[1001, 1002], [1002], [], [1003]]) {
      source.setPods(ports.map((port) => ({ port })));
      worker.apply(copied(diffSnapshots(last, source.current)));
      last = source.current;
      assert.deepEqual(dataOf(worker.current), dataOf(last));
    }
  });

  test('what did not change keeps its identity, and is not even sent', () => {
    const source = createTestSource([{ port: 1001 }]);
    const before = source.current;
    const worker = new DeltaSource(copied(diffSnapshots(undefined, before)));
    const first = worker.current;
    const [name = '', cluster] = [...before.clusters][0] ?? [];
    assert.ok(cluster !== undefined);
    const after = {
      ...before,
      version: 9,
      clusters: new Map([...before.clusters, ['new', { ...cluster, name: 'new' }]]),
    };
    const delta = copied(diffSnapshots(before, after));
    assert.deepEqual(
      delta.clusters.changed.map(([key]) => key),
      ['new'],
    );
    const seen: Snapshot[] = [];
    const unsubscribe = worker.subscribe((snapshot) => seen.push(snapshot));
    worker.apply(delta);
    assert.equal(worker.current.clusters.get(name), first.clusters.get(name));
    assert.equal(worker.current.virtualHosts, first.virtualHosts);
    assert.deepEqual(seen, [worker.current]);
    unsubscribe();
    worker.apply(copied(diffSnapshots(after, before)));
    assert.equal(worker.current.clusters.has('new'), false);
    assert.equal(seen.length, 1);
  });
});
