import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameStore } from './name-store.ts';

const id = (name: string): { namespace: string; name: string; resourceVersion: string } => ({
  namespace: '',
  name,
  resourceVersion: '1',
});

test('names come and go, a list replaces them in one step, and only changes are told', () => {
  const store = new NameStore();
  const told: string[] = [];
  const leave = store.subscribe(() => told.push([...store.current].join()));
  store.set(id('a'));
  store.set(id('a'));
  store.set(id('b'));
  store.delete(id('c'));
  store.delete(id('a'));
  const same = store.replacement();
  same.add(id('b'), undefined, 'v1');
  same.commit();
  const other = store.replacement();
  other.add(id('x'), undefined, 'v1');
  other.add(id('y'), undefined, 'v1');
  other.delete(id('x'));
  assert.equal(store.size, 1);
  other.commit();
  leave();
  store.set(id('z'));
  assert.deepEqual(told, ['a', 'a,b', 'b', 'y']);
});
