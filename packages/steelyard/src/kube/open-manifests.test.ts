import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import type { Snapshot, SnapshotSource } from '@steelyard/core/model';
import { recordingLog } from '../log.test-bed.ts';
import { ManifestsError, type ManifestsErrorCode } from './manifests-error.ts';
import { type ManifestOptions, type ManifestSource, openManifests } from './open-manifests.ts';

let folder = '';
const lines: string[] = [];
const open: ManifestSource[] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'steelyard-')));
  lines.length = 0;
});

afterEach(async () => {
  for (const source of open.splice(0)) source.close();
  await rm(folder, { recursive: true, force: true });
});

const log = recordingLog(lines);

async function openAt(paths: readonly string[], more: Partial<ManifestOptions> = {}): Promise<ManifestSource> {
  const source = await openManifests({ paths, watch: false, namespace: 'default', log, ...more });
  open.push(source);
  return source;
}

/** A Service with one ready endpoint, so that nothing is to be said about it. */
function manifest(name: string, port = 80): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {ports: [{port: ${port}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{port: ${port}}]
endpoints: [{addresses: [10.0.0.1]}]
`;
}

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The next Snapshot. The source keeps no process alive, the limit does. */
function next(source: SnapshotSource): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('no Snapshot was published')), 20_000);
    const end = source.subscribe((snapshot) => {
      end();
      clearTimeout(limit);
      resolve(snapshot);
    });
  });
}

function names({ services }: Snapshot): readonly string[] {
  return [...services.keys()];
}

test('the example says nothing but what it does', async () => {
  const example = new URL('../../../../examples/backend', import.meta.url).pathname;
  const { current } = await openAt([example]);
  assert.deepEqual(names(current), ['default/backend', 'default/backendh']);
  const cluster = current.clusters.get('outbound|8000||backend.default.svc.cluster.local');
  assert.deepEqual(cluster?.loadBalancer, { kind: 'RANDOM' });
  assert.deepEqual(
    cluster.endpoints.map(({ address }) => address),
    ['10.80.128.247', '10.80.153.167', '10.80.167.226'],
  );
  assert.deepEqual([current.diagnostics, lines], [[], []]);
});

test('a folder stands for its own manifests, a file for itself', async () => {
  await mkdir(join(folder, 'deeper.yaml'));
  await write('deeper.yaml/a.yaml', manifest('deeper'));
  await write('b.yml', manifest('b'));
  await write('c.json', '{"apiVersion":"v1","kind":"Service","metadata":{"name":"c"},"spec":{"clusterIP":"None"}}');
  await write('.hidden.yaml', manifest('hidden'));
  const text = await write('d.txt', manifest('d'));
  assert.deepEqual(names((await openAt([folder])).current), ['default/b', 'default/c']);
  assert.deepEqual(names((await openAt([text, folder, `${folder}/./b.yml`])).current), [
    'default/b',
    'default/c',
    'default/d',
  ]);
  assert.deepEqual(lines, [], 'a file given twice is read once');
});

test('standard input is a manifest', async () => {
  const { current } = await openAt(['-'], { stdin: Readable.from([manifest('a')]), namespace: 'home' });
  assert.deepEqual(names(current), ['home/a']);
  assert.equal(current.services.get('home/a')?.service.position?.file, 'stdin');
});

const REFUSED: readonly [string, string, ManifestsErrorCode, RegExp][] = [
  ['an absent path', 'nope', 'MANIFESTS_NOT_FOUND', /nope: no such file or folder$/],
  ['a path through a file', 'good.yaml/x', 'MANIFESTS_UNREADABLE', /x: a part of the path is not a folder$/],
  ['an empty folder', 'empty', 'MANIFESTS_EMPTY', /empty: there is no manifest/],
  [
    'no YAML',
    'bad.yaml',
    'MANIFESTS_UNUSABLE',
    /bad\.yaml: no usable Service: .*bad\.yaml:1:6: error: .* \[syntax-error\]$/,
  ],
  [
    'a broken Service',
    'wrong.yaml',
    'MANIFESTS_UNUSABLE',
    /wrong\.yaml:4:8: error: Service default\/a spec\.ports: .* \[wrong-type\]$/,
  ],
  ['only what is not read', 'other.yaml', 'MANIFESTS_UNUSABLE', /other\.yaml:2:1: info: .* \[unknown-kind\]$/],
  ['no Service', 'pod.yaml', 'MANIFESTS_UNUSABLE', /pod\.yaml: there is no Service; add one\.$/],
];

test('what cannot be started from is refused in one line with its place', async () => {
  await mkdir(join(folder, 'empty'));
  await write('good.yaml', manifest('a'));
  await write('bad.yaml', 'x: [1\n');
  await write('wrong.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: 3}\n');
  await write('other.yaml', 'apiVersion: apps/v1\nkind: Deployment\n');
  await write('pod.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n');
  for (const [why, path, code, message] of REFUSED) {
    await assert.rejects(openAt([join(folder, path)]), (error) => {
      assert.ok(error instanceof ManifestsError, why);
      assert.equal(error.code, code, `${why}: ${error.message}`);
      assert.match(error.message, message, why);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
  await assert.rejects(openAt([]), { code: 'MANIFESTS_EMPTY' });
  assert.deepEqual(lines, []);
});

test('an error costs its document, unless none is wanted', async () => {
  const path = await write('a.yaml', `${manifest('a')}---\nx: [1\n---\n${manifest('b')}`);
  assert.deepEqual(names((await openAt([path])).current), ['default/a', 'default/b']);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /a\.yaml:13:6: error: .* \[syntax-error\]$/);
  await assert.rejects(openAt([path], { strict: true }), { code: 'MANIFESTS_INVALID' });
});

test('changes on disk are published: a write, a rename over the file, a new file, a removed one', async () => {
  const path = await write('a.yaml', manifest('a'));
  const source = await openAt([folder], { watch: true });
  const changes: readonly [() => Promise<unknown>, readonly string[]][] = [
    [() => writeFile(path, manifest('b')), ['default/b']],
    [async () => rename(await write('.tmp', manifest('c')), path), ['default/c']],
    [() => write('z.yaml', manifest('z')), ['default/c', 'default/z']],
    [() => unlink(path), ['default/z']],
  ];
  for (const [change, expected] of changes) {
    const published = next(source);
    await change();
    const snapshot = await published;
    assert.deepEqual(names(snapshot), expected);
    assert.equal(snapshot, source.current);
  }
});

test('a watched file survives being replaced, and a mounted ConfigMap being swapped', async () => {
  // As the kubelet lays it out: a.yaml -> ..data/a.yaml, ..data -> a folder of one version
  await mkdir(join(folder, 'v1'));
  await write('v1/a.yaml', manifest('one'));
  await symlink('v1', join(folder, '..data'));
  await symlink('..data/a.yaml', join(folder, 'a.yaml'));
  const whole = await openAt([folder], { watch: true });
  const single = await openAt([join(folder, 'a.yaml')], { watch: true });
  const published = Promise.all([next(whole), next(single)]);
  await mkdir(join(folder, 'v2'));
  await write('v2/a.yaml', manifest('two'));
  await symlink('v2', join(folder, '..tmp'));
  await rename(join(folder, '..tmp'), join(folder, '..data'));
  assert.deepEqual(
    (await published).map((snapshot) => names(snapshot)),
    [['default/two'], ['default/two']],
  );
});

test('a broken edit keeps the last good version and is logged once', async () => {
  const path = await write('a.yaml', manifest('a'));
  await write('b.yaml', manifest('b'));
  const source = await openAt([folder], { watch: true });
  const before = source.current;
  let published = next(source);
  await writeFile(path, manifest('a').replace('[{port: 80}]}', '[{port: 80}'));
  const broken = await published;
  assert.equal(broken.services, before.services);
  assert.equal(broken.clusters, before.clusters);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /a\.yaml:4:26: error: .* \[syntax-error\]$/);

  published = next(source);
  await write('b.yaml', manifest('b', 81));
  await published;
  assert.equal(lines.length, 1, 'an old finding is not logged again');

  published = next(source);
  await writeFile(path, manifest('a', 82));
  const fixed = await published;
  assert.deepEqual(fixed.services.get('default/a')?.service.ports[0]?.port, 82);
  assert.deepEqual(fixed.diagnostics, []);
});

test('a file that is emptied, as by who is about to write it, keeps what it said', async () => {
  const path = await write('a.yaml', manifest('a'));
  await write('empty.yaml', '');
  const source = await openAt([folder], { watch: true });
  const before = source.current;
  assert.deepEqual(lines, []);
  let published = next(source);
  await writeFile(path, '\n');
  const emptied = await published;
  assert.equal(emptied.services, before.services);
  assert.match(
    lines.join('\n'),
    /a\.yaml: .*the file is empty; what it said last stays in force .* \[source-unreadable\]$/,
  );

  published = next(source);
  await write('b.yaml', manifest('b'));
  assert.deepEqual(names(await published), ['default/a', 'default/b'], 'also while other files change');

  published = next(source);
  await writeFile(path, manifest('c'));
  assert.deepEqual(names(await published), ['default/b', 'default/c']);
  assert.deepEqual(source.current.diagnostics, []);

  published = next(source);
  await writeFile(path, '');
  await published;
  published = next(source);
  await unlink(path);
  assert.deepEqual(names(await published), ['default/b']);
});

test('a folder that is gone keeps what it said', async () => {
  await mkdir(join(folder, 'm'));
  await write('m/a.yaml', manifest('a'));
  const source = await openAt([join(folder, 'm')], { watch: true });
  const before = source.current;
  const published = next(source);
  await rename(join(folder, 'm'), join(folder, 'gone'));
  const snapshot = await published;
  assert.equal(snapshot.services, before.services);
  assert.deepEqual(
    snapshot.diagnostics.map(({ code }) => code),
    ['source-unreadable'],
  );
});

test('after close nothing is published, and a listener that throws harms no other', async () => {
  const path = await write('a.yaml', manifest('a'));
  const source = await openAt([path], { watch: true });
  source.subscribe(() => assert.fail('a bad listener'));
  const published = next(source);
  await writeFile(path, manifest('b'));
  assert.deepEqual(names(await published), ['default/b']);
  assert.equal(lines.length, 1);
  source.close();
  // Another source sees the same change, so by then this one would have.
  const other = await openAt([path], { watch: true });
  const seen = next(other);
  const last = source.current;
  await writeFile(path, manifest('c'));
  await seen;
  assert.equal(source.current, last);
});
