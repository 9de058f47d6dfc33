import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceDocument } from '@steelyard/core/config';
import type { Logger } from '../log.ts';
import { createReloadableSource } from './manifest-source.ts';
import type { ManifestReader } from './read-manifests.ts';

const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  forComponent: () => log,
};

/** Reads one headless Service of the name that `state` has at that moment. */
function readerOf(state: { name: string; reads: number }): ManifestReader {
  return {
    read: async (): Promise<readonly SourceDocument[]> => {
      state.reads++;
      const { name } = state;
      await Promise.resolve();
      const value = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { clusterIP: 'None' } };
      return [{ file: 'a', value, locate: () => undefined }];
    },
    fingerprint: () => Promise.resolve(''),
  };
}

test('a reading that changes nothing is not published', async () => {
  const state = { name: 'a', reads: 0 };
  const source = await createReloadableSource({ reader: readerOf(state), namespace: 'n', log, check: () => undefined });
  const versions: number[] = [];
  const end = source.subscribe((snapshot) => versions.push(snapshot.version));
  await source.reload();
  assert.deepEqual([versions, state.reads], [[], 2]);
  state.name = 'b';
  await source.reload();
  assert.deepEqual(versions, [2]);
  end();
  state.name = 'c';
  await source.reload();
  assert.deepEqual(versions, [2]);
  assert.equal(source.current.version, 3);
});

test('changes during a reading are read, however many there are', async () => {
  const state = { name: 'a', reads: 0 };
  const source = await createReloadableSource({ reader: readerOf(state), namespace: 'n', log, check: () => undefined });
  const reloads = ['b', 'c', 'd'].map((name) => {
    state.name = name;
    return source.reload();
  });
  await Promise.all(reloads);
  assert.deepEqual([...source.current.services.keys()], ['n/d']);
  assert.equal(state.reads, 3);
});

test('what the check throws is what opening fails with', async () => {
  const check = (): never => {
    throw new RangeError('no');
  };
  const reader = readerOf({ name: 'a', reads: 0 });
  await assert.rejects(createReloadableSource({ reader, namespace: 'n', log, check }), RangeError);
});
