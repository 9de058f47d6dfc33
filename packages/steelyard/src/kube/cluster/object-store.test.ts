import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCollector } from './collect-objects.ts';
import { service } from './cluster.test-bed.ts';
import { identityOf, type ObjectIdentity, ParsedObjectStore } from './object-store.ts';
import { RESOURCE_KINDS } from './resource-kind.ts';

interface Bed {
  readonly store: ParsedObjectStore;
  readonly changes: () => number;
  readonly set: (name: string, version: number, port?: unknown) => void;
  readonly remove: (name: string) => void;
  readonly names: () => readonly string[];
}

function start(): Bed {
  let changes = 0;
  const store = new ParsedObjectStore(RESOURCE_KINDS.Service, () => changes++);
  const valueOf = (name: string, version: number, port: unknown): unknown => {
    const { metadata, spec, ...rest } = service(name);
    const ports = [{ name: 'grpc', port, protocol: 'TCP' }];
    return {
      ...rest,
      metadata: { ...metadata, resourceVersion: String(version) },
      spec: { ...(typeof spec === 'object' && spec), ports },
    };
  };
  const identify = (value: unknown): ObjectIdentity => {
    const identity = identityOf(value);
    assert.ok(identity !== undefined);
    return identity;
  };
  return {
    store,
    changes: () => changes,
    set(name, version, port = 80) {
      const value = valueOf(name, version, port);
      store.set(identify(value), value, 'v1');
    },
    remove: (name) => store.delete(identify(valueOf(name, 0, 80))),
    names: () => store.parsed.map(({ object }) => object.name),
  };
}

test('a list that was handed out stays as it was; the next one has what changed in its place', () => {
  const { store, set, remove, names } = start();
  for (const name of ['a', 'b', 'c']) set(name, 1);
  const before = store.parsed;
  const [a, b] = before;
  set('a', 2, 81);
  const after = store.parsed;
  assert.equal(before[0], a);
  assert.notEqual(after[0], a);
  assert.equal(after[1], b);
  set('d', 3);
  assert.deepEqual([before.length, after.length, store.parsed.length], [3, 3, 4]);
  remove('b');
  assert.deepEqual(names(), ['a', 'c', 'd']);
  set('c', 4, 82);
  set('b', 5);
  assert.deepEqual(names(), ['a', 'c', 'd', 'b']);
});

test('a version that says nothing new is no change; the same list as long as there is none', () => {
  const { store, set, changes } = start();
  set('a', 1);
  const before = store.parsed;
  set('a', 1);
  set('a', 2);
  assert.deepEqual([changes(), store.parsed === before], [1, true]);
});

test('what is broken keeps its last good version, and is told once', () => {
  const { store, set, changes, names } = start();
  set('a', 1);
  const [good] = store.parsed;
  assert.equal(store.diagnostics.length, 0);
  set('a', 2, 'x');
  assert.equal(store.parsed[0], good);
  const { diagnostics } = store;
  assert.ok(diagnostics.length > 0);
  set('a', 3, 'x');
  assert.equal(store.diagnostics, diagnostics);
  assert.equal(changes(), 2);
  set('bad', 1, 'x');
  assert.deepEqual(names(), ['a']);
  set('a', 4);
  assert.deepEqual(
    store.diagnostics.map(({ object }) => object?.name),
    ['bad'],
  );
});

test('a list from the API server is taken over in one step', () => {
  const { store, set, names, changes } = start();
  set('a', 1);
  set('b', 1);
  const next = store.replacement();
  const value = { ...service('c'), metadata: { namespace: 'default', name: 'c', resourceVersion: '9' } };
  const identity = identityOf(value);
  assert.ok(identity !== undefined);
  next.add(identity, value, 'v1');
  assert.deepEqual(names(), ['a', 'b']);
  next.commit();
  assert.deepEqual(names(), ['c']);
  assert.equal(changes(), 3);
});

test('what did not change is collected as it was', () => {
  const { store, set } = start();
  set('a', 1, 'x');
  set('b', 1);
  const collect = createCollector([store]);
  const [first, second] = [collect(undefined), collect(undefined)];
  assert.equal(first.diagnostics, second.diagnostics);
  assert.deepEqual(first.objects, second.objects);
  const [written] = store.parsed;
  assert.ok(written !== undefined);
  const local = { object: { ...written.object }, origin: { file: 'here.yaml', document: 0 } };
  const beside = collect({ objects: [local], broken: [], diagnostics: [] });
  assert.deepEqual(
    beside.objects.map(({ origin }) => origin.file),
    ['here.yaml'],
    'a manifest stands in the place of what the API server has',
  );
  assert.equal(beside.diagnostics.length, first.diagnostics.length);
});
