// What must hold against every API server. `npm run conformance -- kube` runs the same file against a real kube-apiserver.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import {
  addressesOf,
  assertNeverEmpty,
  follow,
  type Followed,
  hasService,
  lacksService,
  service,
  slice,
  startApiServer,
  until,
} from './cluster-fixture.test.ts';

const LIMIT = { timeout: 120_000 };

/** An API server with Service `kept`, which is never without an endpoint, and `gone`, which is deleted in the dark. */
async function start(t: TestContext): Promise<Followed> {
  const api = await startApiServer(t);
  await api.put(service('kept'));
  await api.put(slice('kept', ['10.1.0.1']));
  await api.put(service('gone'));
  return follow(t, api);
}

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
  const { api, source, seen } = await start(t);
  assert.deepEqual(addressesOf(source.current, 'kept'), ['10.1.0.1']);
  await api.put(slice('kept', ['10.1.0.1', '10.1.0.2']));
  await until(source, 'a second address', (snapshot) => addressesOf(snapshot, 'kept').length === 2);
  await api.delete(service('gone'));
  await until(source, 'a deletion', lacksService('gone'));
  assertNeverEmpty(seen, 'kept');
});

test('TCP reset', LIMIT, async (t) => {
  const followed = await start(t);
  followed.wire.reset();
  await changeInTheDark(followed);
  await assertCaughtUp(followed);
});

test('half-open connection', LIMIT, async (t) => {
  const followed = await start(t);
  followed.wire.freeze();
  await changeInTheDark(followed);
  await assertCaughtUp(followed);
});

test('restart of the API server', LIMIT, async (t) => {
  const followed = await start(t);
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
  const followed = await start(t);
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
  await api.installIstio();
  await pause(50);
  for (let attempt = 0; ; attempt++) {
    const rule = { host: 'backend', trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } };
    const object = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { namespace: 'default', name: 'backend' },
      spec: rule,
    };
    try {
      await api.put(object);
      break;
    } catch (error) {
      // A real one needs a moment until it serves a new kind.
      if (attempt > 50) throw error;
      await pause(100);
    }
  }
  await until(source, 'its policy', ({ clusters }) =>
    [...clusters.values()].some((cluster) => cluster.loadBalancer.kind === 'ROUND_ROBIN'),
  );
});

test('500 updates in a row end in the last state', LIMIT, async (t) => {
  const { api, source } = await start(t);
  for (let count = 1; count <= 500; count++) await api.put(slice('kept', [`10.2.${count >> 8}.${count & 255}`]));
  await until(source, 'the last address', (snapshot) => addressesOf(snapshot, 'kept')[0] === '10.2.1.244');
});
