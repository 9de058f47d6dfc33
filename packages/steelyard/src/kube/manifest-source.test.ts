import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceDocument } from '@steelyard/core/config';
import { silentLog } from '../log.test-bed.ts';
import { createReloadableSource } from './manifest-source.ts';
import { parseManifest } from './parse-manifest.ts';
import type { ManifestReader } from './read-manifests.ts';

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

function open(reader: ManifestReader, check = (): void => undefined): ReturnType<typeof createReloadableSource> {
  return createReloadableSource({ reader, namespace: 'n', log: silentLog, check });
}

test('a reading that changes nothing is not published', async () => {
  const state = { name: 'a', reads: 0 };
  const source = await open(readerOf(state));
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
  const source = await open(readerOf(state));
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
  await assert.rejects(open(reader, check), RangeError);
});

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: backend }
spec: { clusterIP: None, ports: [{ name: grpc, port: 8000 }] }
`;
const RULE = `apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: { name: backend }
spec: { host: backend, trafficPolicy: { loadBalancer: { simple: RANDOM } } }
`;

test('a slip in kind or apiVersion is an error with its line and loses nothing; a document that is removed is gone', async () => {
  let text = `${SERVICE}---\n${RULE}`;
  const reader = { read: () => Promise.resolve(parseManifest('a.yaml', text)), fingerprint: () => Promise.resolve('') };
  const source = await open(reader);
  const good = source.current;
  const slips = [
    [`${SERVICE}---\n${RULE.replace('DestinationRule', 'DestinatonRule')}`, 'kind-misspelt', 7],
    [`${SERVICE}---\n${RULE.replace('istio.io', 'istio.oi')}`, 'kind-misspelt', 6],
    [`${SERVICE}---\n${RULE.replace('v1beta1', 'v1beat1')}`, 'unsupported-version', 6],
    [`${SERVICE.replace('Service', 'service')}---\n${RULE}`, 'kind-misspelt', 2],
    [`${RULE.replace('kind: D', 'kind: d')}---\n${SERVICE.replace('Service', 'Sevice')}`, 'kind-misspelt', 2],
  ] as const;
  for (const [edited, code, line] of slips) {
    text = edited;
    await source.reload();
    const { services, clusters, diagnostics } = source.current;
    const first = diagnostics.find(({ severity }) => severity === 'error');
    assert.deepEqual([first?.code, first?.position?.file, first?.position?.line], [code, 'a.yaml', line], edited);
    assert.deepEqual([services, clusters], [good.services, good.clusters], edited);
  }
  text = `${SERVICE}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: backend }\n`;
  await source.reload();
  const [cluster] = source.current.clusters.values();
  assert.deepEqual([cluster?.destinationRule, source.current.services.size], [undefined, 1]);
});
