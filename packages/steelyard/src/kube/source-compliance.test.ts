// One suite for every source of Snapshots: a manifests folder, an API server, the double that other tests use.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { Snapshot, SnapshotSource } from '@steelyard/core/model';
import { createTestSource } from '@steelyard/testkit';
import { follow, service, silentLogger, slice, startApiServer } from './cluster/cluster.test-bed.ts';
import { openManifests } from './open-manifests.ts';

interface Opened {
  readonly source: SnapshotSource;
  /** Makes the only endpoint of `default/backend` the one with this port. */
  readonly setPort: (port: number) => Promise<void> | void;
}

const BACKEND = { ...service('backend'), metadata: { namespace: 'default', name: 'backend' } };

function sliceWith(port: number): ReturnType<typeof slice> {
  return { ...slice('backend', ['127.0.0.1']), ports: [{ name: 'grpc', port, protocol: 'TCP' }] };
}

const SOURCES: readonly [string, (t: TestContext) => Promise<Opened>][] = [
  [
    'manifests',
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'steelyard-'));
      const setPort = (port: number): Promise<void> =>
        writeFile(
          join(folder, 'a.json'),
          JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [BACKEND, sliceWith(port)] }),
        );
      await setPort(1);
      const source = await openManifests({ paths: [folder], watch: true, namespace: 'default', log: silentLogger() });
      t.after(async () => {
        source.close();
        await rm(folder, { recursive: true, force: true });
      });
      return { source, setPort };
    },
  ],
  [
    'API server',
    async (t) => {
      const api = await startApiServer(t);
      await api.put(BACKEND);
      await api.put(sliceWith(1));
      const { source } = await follow(t, api);
      return { source, setPort: (port) => api.put(sliceWith(port)) };
    },
  ],
  [
    'test double',
    () => {
      const source = createTestSource([{ port: 1 }]);
      return Promise.resolve({ source, setPort: (port) => source.setPods([{ port }]) });
    },
  ],
];

function portsOf(snapshot: Snapshot): readonly number[] {
  const entry = snapshot.services.get('default/backend');
  return entry?.ports.flatMap(({ endpoints }) => endpoints.map(({ port }) => port)) ?? [];
}

/** Resolves with the first Snapshot that has this endpoint and no other. */
function reaches(source: SnapshotSource, port: number): Promise<Snapshot> {
  return new Promise((resolve) => {
    // A watch of files keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    const end = source.subscribe((snapshot) => {
      if (portsOf(snapshot).join() !== String(port)) return;
      clearInterval(alive);
      end();
      resolve(snapshot);
    });
  });
}

for (const [name, open] of SOURCES) {
  suite(`a source of Snapshots: ${name}`, { timeout: 60_000 }, () => {
    test('has a whole state from the start, and hands on each later one, which then is the current one', async (t) => {
      const { source, setPort } = await open(t);
      assert.deepEqual(portsOf(source.current), [1]);
      const before = source.current;
      const reached = reaches(source, 2);
      await setPort(2);
      const snapshot = await reached;
      assert.equal(source.current, snapshot);
      assert.ok(snapshot.version > before.version);
      assert.deepEqual(portsOf(before), [1], 'what was handed out does not change');
    });

    test('what did not change keeps its identity', async (t) => {
      const { source, setPort } = await open(t);
      const before = source.current.services.get('default/backend')?.service;
      const reached = reaches(source, 2);
      await setPort(2);
      assert.equal((await reached).services.get('default/backend')?.service, before);
    });

    test('subscribing calls nobody, and whoever has left is not called any more', async (t) => {
      const { source, setPort } = await open(t);
      let calls = 0;
      const leave = source.subscribe(() => calls++);
      assert.equal(calls, 0);
      const stays = reaches(source, 2);
      leave();
      await setPort(2);
      await stays;
      assert.equal(calls, 0);
    });
  });
}
