// Outages of every kind: after each the state is the API server's again within two seconds of
// its return, nothing deleted lives on, and nothing was ever served empty. `npm run conformance -- kube` runs the same file
// against a real kube-apiserver.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { type FakeFault, MemoryWatch, PATIENCE } from '@steelyard/testkit';
import {
  addressesOf,
  assertNeverEmpty,
  FAST,
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
import { REFLECTOR_TIMES, type ReflectorTimes } from './reflector-times.ts';

const LIMIT = { timeout: 120_000 };
/** Under the times of production, with the bar; in the everyday run in short, on a machine busy with anything. */
const IN_EARNEST = process.env['STEELYARD_KUBE_APISERVER'] !== undefined;
const TIMES = IN_EARNEST ? REFLECTOR_TIMES : FAST;
const RETURN_MS = IN_EARNEST ? 2000 * PATIENCE : 20_000;
const outage = (ms: number): Promise<void> => pause(IN_EARNEST ? ms : ms / 20);

const start = (t: TestContext, times: ReflectorTimes = TIMES): Promise<Followed> => followKept(t, { times });

async function changeInTheDark({ api }: Followed): Promise<void> {
  await api.put(service('new'));
  await api.put(slice('kept', ['10.1.0.2']));
  await api.delete(service('gone'));
}

/** From now on the API server is there again. */
async function assertCaughtUp(t: TestContext, { api, source, seen }: Followed): Promise<void> {
  const from = performance.now();
  const left = (): number => Math.max(1, RETURN_MS - (performance.now() - from));
  await until(source, 'what came in the dark', hasService('new'), left());
  await until(source, 'what went in the dark', lacksService('gone'), left());
  await until(source, 'what changed', (snapshot) => addressesOf(snapshot, 'kept')[0] === '10.1.0.2', left());
  t.diagnostic(`caught up after ${Math.round(performance.now() - from)} ms`);
  assertNeverEmpty(seen, 'kept');
  await api.put(service('later'));
  await until(source, 'a change afterwards', hasService('later'));
}

/** Every request meets with it for so long, and what was under way is over. */
async function befall({ front }: Followed, fault: FakeFault, forMs: number): Promise<void> {
  front.fault = () => fault;
  front.endWatches();
  await outage(forMs);
}

const FAULTS: readonly [string, FakeFault][] = [
  ['429 that says how long', { is: 'status', status: 429, retryAfter: 1 }],
  ['429 that does not', { is: 'status', status: 429 }],
  ['500', { is: 'status', status: 500 }],
  ['503', { is: 'status', status: 503 }],
  ['an expired token', { is: 'status', status: 401 }],
  ['TCP resets', { is: 'reset' }],
  ['a proxy in between that speaks HTML', { is: 'garbage' }],
  ['streams that end at once', { is: 'end' }],
  ['410 for everything', { is: 'error-event', status: 410, message: 'too old resource version' }],
];

for (const [name, fault] of FAULTS) {
  test(`a storm of ${name}`, LIMIT, async (t) => {
    const followed = await start(t);
    await befall(followed, fault, 300);
    await changeInTheDark(followed);
    await outage(4000);
    followed.front.fault = undefined;
    await assertCaughtUp(t, followed);
  });
}

test('a storage that restarts', LIMIT, async (t) => {
  const followed = await start(t);
  await changeInTheDark(followed);
  await followed.api.restartStorage();
  await assertCaughtUp(t, followed);
});

test('a long absence, and a return that is not ready at first', LIMIT, async (t) => {
  const followed = await start(t);
  await changeInTheDark(followed);
  await followed.api.stop();
  // Whoever waits a bit longer each time would by now wait for half a minute.
  await outage(8000);
  followed.front.fault = () => ({ is: 'status', status: 503, message: 'not ready' });
  await followed.api.start();
  await outage(3000);
  followed.front.fault = undefined;
  await assertCaughtUp(t, followed);
});

test('rights that are taken away and given back', LIMIT, async (t) => {
  const followed = await start(t);
  await followed.api.revoke();
  await outage(500);
  followed.front.endWatches();
  const from = performance.now();
  while (!followed.source.status().every(({ phase }) => phase === 'forbidden')) {
    assert.ok(performance.now() - from < 30_000, 'nobody noticed');
    await pause(20);
  }
  await changeInTheDark(followed);
  await followed.api.grant();
  await assertCaughtUp(t, followed);
});

test('a stream that falls silent', LIMIT, async (t) => {
  // Silence is told from quiet by the bookmarks, which come once a minute: that is not waited for here.
  const followed = await start(t, FAST);
  followed.front.muted = true;
  await changeInTheDark(followed);
  await pause(1500);
  followed.front.muted = false;
  await assertCaughtUp(t, followed);
});

test('a kind that is installed late', LIMIT, async (t) => {
  const api = await startApiServer(t);
  await api.put(service('backend'));
  await api.put(slice('backend', ['10.1.0.1']));
  const kinds = ['Service', 'EndpointSlice', 'VirtualService', 'DestinationRule'] as const;
  const { source } = await follow(t, api, { kinds, times: TIMES });
  // On a busy machine an answer may come too late at first.
  while (source.status().filter(({ phase }) => phase === 'absent').length < 2) await pause(20);
  await installRoundRobin(api);
  const from = performance.now();
  await until(source, 'its policy', isRoundRobin, RETURN_MS);
  t.diagnostic(`in force after ${Math.round(performance.now() - from)} ms`);
});

test('objects as large as they can be', LIMIT, async (t) => {
  const { api, source } = await start(t);
  const large = service('large');
  // The API server's limits: 256 KiB of annotations, 1000 endpoints a slice.
  await api.put({ ...large, metadata: { ...large.metadata, annotations: { note: 'x'.repeat(250 * 1024) } } });
  const addresses = Array.from({ length: 1000 }, (_, index) => `10.2.${index >> 8}.${index & 255}`);
  await api.put(slice('large', addresses));
  await until(source, 'all endpoints', (snapshot) => addressesOf(snapshot, 'large').length === 1000);
});

test('updates as fast as they can be written end in the last state, and memory stays where it is', LIMIT, async (t) => {
  const { api, source, seen } = await start(t);
  const names = Array.from({ length: 16 }, (_, index) => `s${index}`);
  for (const name of names) await api.put(service(name));
  const round = async (number: number): Promise<void> => {
    // Each name's own writes in their order, the names side by side.
    await Promise.all(
      names.map(async (name) => {
        for (let count = 0; count < 100; count++) await api.put(slice(name, [`10.3.${number}.${count}`]));
      }),
    );
    const isLast = (snapshot: (typeof source)['current']): boolean =>
      names.every((name) => addressesOf(snapshot, name)[0] === `10.3.${number}.99`);
    await until(source, `the last state of round ${number}`, isLast);
  };
  await round(1);
  seen.length = 0;
  const memory = new MemoryWatch();
  const from = performance.now();
  for (let number = 2; number <= 4; number++) {
    await round(number);
    seen.length = 0;
  }
  const rate = (3 * 1600) / ((performance.now() - from) / 1000);
  const grown = memory.grown() / 2 ** 20;
  t.diagnostic(`${Math.round(rate)} updates a second; memory grew by ${grown.toFixed(1)} MiB`);
  assert.ok(grown < 8, `memory grew by ${grown.toFixed(1)} MiB`);
});
