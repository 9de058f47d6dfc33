// What an API server, or something before it, may do wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeFault, FakeRequest } from '@steelyard/testkit';
import { TEST_CERTIFICATE } from '@steelyard/testkit';
import type { Credentials } from '../api/cluster-access.ts';
import { staticCredentials } from '../api/static-credentials.ts';
import {
  addressesOf,
  assertNeverEmpty,
  CORE_KINDS,
  hasService,
  lacksService,
  service,
  slice,
  sourceOf,
  startFake,
  until,
} from './cluster.test-bed.ts';
import type { ClusterSource } from './create-cluster-source.ts';
import type { ClusterKind } from './resource-kind.ts';

const LIMIT = { timeout: 30_000 };

function open(
  url: string,
  options: { kinds?: readonly ClusterKind[]; credentials?: Credentials; lines?: string[] } = {},
): ClusterSource {
  const { credentials = staticCredentials({ headers: {} }), ...rest } = options;
  return sourceOf({ server: url, ca: TEST_CERTIFICATE, credentials }, rest);
}

const isWatch = ({ query }: FakeRequest): boolean => query.get('watch') === 'true';
const isWatchList = ({ query }: FakeRequest): boolean => query.has('sendInitialEvents');

/** Happens to the requests it fits, so many times. */
function times(
  count: number,
  fits: (request: FakeRequest) => boolean,
  fault: FakeFault,
): (request: FakeRequest) => FakeFault | undefined {
  let left = count;
  return (request) => (fits(request) && left-- > 0 ? fault : undefined);
}

const always = (): boolean => true;

const FIRST_FAULTS: readonly [string, (request: FakeRequest) => FakeFault | undefined][] = [
  [
    'WatchList refused with an error inside of the stream',
    times(9, isWatchList, { is: 'error-event', status: 500, message: 'RequestWatchProgress is disabled' }),
  ],
  ['WatchList ends before all was sent', times(9, isWatchList, { is: 'end' })],
  ['WatchList refused with 400', times(9, isWatchList, { is: 'status', status: 400 })],
  ['a storm of 429', times(6, always, { is: 'status', status: 429, retryAfter: 0.05 })],
  ['a storm of 500', times(9, always, { is: 'status', status: 500 })],
  ['connections reset', times(5, always, { is: 'reset' })],
  ['no answer', times(2, always, { is: 'silence' })],
  ['no JSON', times(4, always, { is: 'garbage' })],
  [
    'RBAC that is not loaded yet, of a kind that can be done without',
    times(2, ({ path }) => path.endsWith('pods'), { is: 'status', status: 403 }),
  ],
];

for (const [name, fault] of FIRST_FAULTS) {
  test(`the first state comes in spite of: ${name}`, LIMIT, async (t) => {
    const fake = await startFake(t);
    fake.store.put(service('backend'));
    fake.store.put(slice('backend', ['10.0.0.1']));
    fake.fault = fault;
    const source = open(fake.url, { kinds: [...CORE_KINDS, 'Pod'] });
    t.after(() => source.close());
    await source.whenSynced(20_000);
    assert.deepEqual(addressesOf(source.current, 'backend'), ['10.0.0.1']);
  });
}

const WATCH_FAULTS: readonly [string, FakeFault][] = [
  ['410 as an event', { is: 'error-event', status: 410, message: 'too old resource version' }],
  ['410 as an answer', { is: 'status', status: 410 }],
  ['429', { is: 'status', status: 429, retryAfter: 0.05 }],
  ['500 as an event', { is: 'error-event', status: 500, message: 'internal' }],
  ['an end at once', { is: 'end' }],
  ['no JSON', { is: 'garbage' }],
  ['silence', { is: 'silence' }],
  ['a reset', { is: 'reset' }],
  ['revoked rights', { is: 'status', status: 403 }],
  ['an expired token', { is: 'status', status: 401 }],
];

for (const transport of ['h2', 'https', 'http'] as const) {
  for (const [name, fault] of WATCH_FAULTS) {
    test(`${transport}: a watch answered with ${name} loses nothing`, LIMIT, async (t) => {
      const fake = await startFake(t, { transport });
      fake.store.put(service('kept'));
      fake.store.put(slice('kept', ['10.0.0.1']));
      fake.store.put(service('gone'));
      const source = open(fake.url);
      t.after(() => source.close());
      await source.whenSynced(20_000);
      const seen = [source.current];
      source.subscribe((snapshot) => seen.push(snapshot));
      fake.fault = times(4, isWatch, fault);
      fake.endWatches();
      fake.store.put(service('new'));
      fake.store.delete(service('gone'));
      await until(source, 'what came', hasService('new'));
      await until(source, 'what went', lacksService('gone'));
      assertNeverEmpty(seen, 'kept');
    });
  }
}

test('a watch that is taken and then says nothing is found out', LIMIT, async (t) => {
  const fake = await startFake(t);
  fake.store.put(service('a'));
  const source = open(fake.url);
  t.after(() => source.close());
  await source.whenSynced(20_000);
  fake.muted = true;
  fake.store.put(service('b'));
  fake.endWatches();
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  fake.muted = false;
  await until(source, 'what was kept back', hasService('b'));
});

test('resumes where it was: no second list after a lost connection, and bookmarks move the place', LIMIT, async (t) => {
  const fake = await startFake(t);
  fake.store.put(service('a'));
  const source = open(fake.url, { kinds: ['Service'] });
  t.after(() => source.close());
  await source.whenSynced(20_000);
  // Others' changes move the version, ours does not see them but for the bookmark.
  for (let count = 0; count < 20; count++) fake.store.put(slice('x', [`10.0.1.${count}`]));
  fake.bookmark();
  const version = String(fake.store.version);
  while (source.status()[0]?.resourceVersion !== version) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  fake.store.compact();
  fake.resetConnections();
  fake.store.put(service('b'));
  await until(source, 'the next change', hasService('b'));
  const after = fake.requests.at(-1);
  assert.equal(after?.query.get('resourceVersion'), version);
  assert.equal(after.query.has('sendInitialEvents'), false);
  assert.equal(source.status()[0]?.counts.expired, 0);
});

for (const watchList of [true, false]) {
  test(
    `an API server restored from an older backup is followed, ${watchList ? 'with' : 'without'} WatchList`,
    LIMIT,
    async (t) => {
      const fake = await startFake(t, { watchList });
      fake.store.put(service('a'));
      const source = open(fake.url, { kinds: ['Service'] });
      t.after(() => source.close());
      await source.whenSynced(20_000);
      // What it says now is older than what we know, by its number.
      fake.store.version = 500;
      fake.store.compact();
      fake.store.put(service('b'));
      fake.resetConnections();
      await until(source, 'what the backup has', hasService('b'));
      fake.store.put(service('c'));
      await until(source, 'a change after it', hasService('c'));
    },
  );
}

test('a list comes in pages where the API server has them, and a page that expired begins anew', LIMIT, async (t) => {
  const fake = await startFake(t, { watchList: false });
  for (let count = 0; count < 1201; count++) fake.store.put(service(`s${count}`));
  const source = open(fake.url, { kinds: ['Service'] });
  t.after(() => source.close());
  await source.whenSynced(20_000);
  assert.equal(source.current.services.size, 1201);
  // The watch's place is gone: the next list must not be from the cache, so it is paged.
  let expired = 0;
  fake.fault = ({ query }) => {
    if (query.has('continue') && expired++ === 0) fake.store.compact();
    return undefined;
  };
  fake.store.compact();
  fake.endWatches();
  fake.store.put(service('last'));
  fake.store.compact();
  await until(source, 'the new list', hasService('last'));
  assert.equal(source.current.services.size, 1202);
  assert.ok(expired > 0, 'no second page was asked for');
});

test('what may not be read is named with its verb; the rest goes on', LIMIT, async (t) => {
  const fake = await startFake(t);
  fake.store.install('networking.istio.io/v1/destinationrules');
  fake.store.put(service('a'));
  fake.fault = ({ path }) => {
    return path.endsWith('destinationrules') ? { is: 'status', status: 403, message: 'not for you' } : undefined;
  };
  const lines: string[] = [];
  const source = open(fake.url, { kinds: [...CORE_KINDS, 'DestinationRule'], lines });
  t.after(() => source.close());
  await source.whenSynced(20_000);
  const status = source.status().at(-1);
  assert.equal(status?.phase, 'forbidden');
  assert.match(status.trouble ?? '', /may not watch destinationrules\.networking\.istio\.io: grant it \(not for you\)/);
  assert.equal(lines.filter((line) => line.includes('may not watch')).length, 1);
});

test('without the right to Services there is no start, and the error says which right', LIMIT, async (t) => {
  const fake = await startFake(t);
  fake.fault = () => ({ is: 'status', status: 403, message: 'no' });
  const source = open(fake.url);
  t.after(() => source.close());
  await assert.rejects(source.whenSynced(20_000), {
    code: 'API_FORBIDDEN',
    message: /may not watch (services|endpointslices)/,
  });
});

test('an API server that is not there: an error in time, nothing published', LIMIT, async (t) => {
  const fake = await startFake(t);
  await fake.stop();
  const source = open(fake.url);
  t.after(() => source.close());
  source.subscribe(() => assert.fail('published'));
  await assert.rejects(source.whenSynced(200), { code: 'API_UNREACHABLE', message: /ECONNREFUSED/ });
  assert.equal(source.synced, false);
});

test('nothing is published before every kind is there', LIMIT, async (t) => {
  const fake = await startFake(t);
  fake.store.put(service('a'));
  let blocked = true;
  fake.fault = ({ path }) => (blocked && path.endsWith('endpointslices') ? { is: 'status', status: 500 } : undefined);
  const source = open(fake.url);
  t.after(() => source.close());
  while (source.status()[0]?.synced !== true) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  assert.equal(source.synced, false);
  assert.equal(source.current.services.size, 0);
  blocked = false;
  await source.whenSynced(20_000);
  assert.equal(source.current.services.size, 1);
});

test('a token that is refused is asked for anew, at once', LIMIT, async (t) => {
  const fake = await startFake(t);
  fake.store.put(service('a'));
  let token = 'old';
  let valid = 'old';
  const credentials: Credentials = {
    headers: () => Promise.resolve({ authorization: `Bearer ${token}` }),
    tls: () => Promise.resolve({}),
    invalidate: () => {
      token = valid;
    },
  };
  fake.fault = ({ headers }) => {
    return headers['authorization'] === `Bearer ${valid}` ? undefined : { is: 'status', status: 401 };
  };
  const source = open(fake.url, { credentials });
  t.after(() => source.close());
  await source.whenSynced(20_000);
  valid = 'new';
  fake.endWatches();
  fake.store.put(service('b'));
  await until(source, 'the next change', hasService('b'));
  assert.equal(source.status()[0]?.counts.failures, 0);
});

test('all kinds share one HTTP/2 connection', LIMIT, async (t) => {
  const fake = await startFake(t);
  const source = open(fake.url, { kinds: [...CORE_KINDS, 'Pod'] });
  t.after(() => source.close());
  await source.whenSynced(20_000);
  assert.equal(fake.connections, 1);
  assert.deepEqual(new Set(fake.requests.map(({ httpVersion }) => httpVersion)), new Set(['2.0']));
});
