// What must hold against every API server. `npm run conformance -- kube` runs the same file against a real kube-apiserver.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import {
  addressesOf,
  assertNeverEmpty,
  follow,
  type Followed,
  followKept,
  hasService,
  installRoundRobin,
  isRoundRobin,
  lacksService,
  service,
  slice,
  startApiServer,
  until,
} from './cluster.test-bed.ts';

const LIMIT = { timeout: 120_000 };

/** The state equals the API server's, what was deleted in the dark is gone, and nothing was served empty on the way. */
async function assertCaughtUp(followed: Followed): Promise<void> {
  const { source, seen } = followed;
  await until(source, 'what came in the dark', hasService('new'));
  await until(source, 'what went in the dark', lacksService('gone'));
  assertNeverEmpty(seen, 'kept');
  assert.equal(source.synced, true);
}

async function changeInTheDark({ api }: Followed): Promise<void> {
  await api.put(service('new'));
  await api.delete(service('gone'));
}

test('the first state is whole, and changes are followed', LIMIT, async (t) => {
  const { api, source, seen } = await followKept(t);
  assert.deepEqual(addressesOf(source.current, 'kept'), ['10.1.0.1']);
  await api.put(slice('kept', ['10.1.0.1', '10.1.0.2']));
  await until(source, 'a second address', (snapshot) => addressesOf(snapshot, 'kept').length === 2);
  await api.delete(service('gone'));
  await until(source, 'a deletion', lacksService('gone'));
  assertNeverEmpty(seen, 'kept');
});

test('TCP reset', LIMIT, async (t) => {
  const followed = await followKept(t);
  followed.wire.reset();
  await changeInTheDark(followed);
  await assertCaughtUp(followed);
});

test('half-open connection', LIMIT, async (t) => {
  const followed = await followKept(t);
  followed.wire.freeze();
  await changeInTheDark(followed);
  await assertCaughtUp(followed);
});

test('restart of the API server', LIMIT, async (t) => {
  const followed = await followKept(t);
  await changeInTheDark(followed);
  await followed.api.stop();
  await pause(300);
  assert.equal(followed.source.current.services.has('default/kept'), true);
  await followed.api.start();
  await assertCaughtUp(followed);
  await followed.api.put(service('later'));
  await until(followed.source, 'a change after the restart', hasService('later'));
});

test('compaction while nobody watches: a new list, without an empty moment', LIMIT, async (t) => {
  const followed = await followKept(t);
  followed.wire.reset();
  await changeInTheDark(followed);
  await followed.api.compact();
  await followed.api.stop();
  await followed.api.start();
  await assertCaughtUp(followed);
});

test('a kind that is installed late is picked up', LIMIT, async (t) => {
  const api = await startApiServer(t);
  await api.put(service('backend'));
  const { source } = await follow(t, api, { kinds: ['Service', 'EndpointSlice', 'DestinationRule'] });
  // On a busy machine an answer may come too late at first.
  while (source.status().at(-1)?.phase !== 'absent') await pause(20);
  await installRoundRobin(api);
  await until(source, 'its policy', isRoundRobin);
});

test('500 updates in a row end in the last state', LIMIT, async (t) => {
  const { api, source } = await followKept(t);
  for (let count = 1; count <= 500; count++) await api.put(slice('kept', [`10.2.${count >> 8}.${count & 255}`]));
  await until(source, 'the last address', (snapshot) => addressesOf(snapshot, 'kept')[0] === '10.2.1.244');
});
