import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { ConnectionSigns } from './ping-schedule.ts';
import { PingSchedule } from './ping-schedule.ts';

const NONE: ConnectionSigns = { bytesRead: 0, dataReceived: 0, callsStarted: 1, callsAnswered: 0 };

/** Pings of a call that is silent from the beginning, when every one is answered. */
function pingsOf(seconds: number, refusals = 0): number[] {
  const schedule = new PingSchedule(0, NONE, refusals);
  const pings: number[] = [];
  let bytesRead = 0;
  for (let second = 1; second <= seconds; second++) {
    const signs = { ...NONE, bytesRead };
    if (!schedule.isDue(second * 1000, signs)) continue;
    pings.push(second);
    schedule.sent(second * 1000, signs);
    bytesRead += 17;
    schedule.acknowledged(second * 1000, { ...NONE, bytesRead });
  }
  return pings;
}

test('a silent call: after seconds, once more, then no more often than servers allow', () => {
  assert.deepEqual(pingsOf(1000), [3, 18, 328, 638, 948]);
});

test('where the server has refused pings: only patiently, and more so each time', () => {
  assert.deepEqual(pingsOf(2000, 1), [3, 623, 1243, 1863]);
  assert.deepEqual(pingsOf(2000, 2), [3, 1243]);
});

test('a connection on which something is heard all the time is not pinged', () => {
  const schedule = new PingSchedule(0, NONE, 0);
  for (let second = 1; second < 100; second++) {
    assert.equal(schedule.isDue(second * 1000, { ...NONE, bytesRead: second }), false);
  }
});

test('on a connection that was pinged in vain, a new call is looked after within seconds', () => {
  const schedule = new PingSchedule(0, NONE, 0);
  for (const atMs of [3000, 18_000]) {
    assert.ok(schedule.isDue(atMs, NONE));
    schedule.sent(atMs, NONE);
  }
  assert.equal(schedule.isDue(60_000, NONE), false);
  const later = { ...NONE, callsStarted: 2 };
  assert.ok(schedule.isDue(61_000, later));
  schedule.sent(61_000, later);
  assert.equal(schedule.isDue(90_000, { ...NONE, callsStarted: 3 }), false, 'only one more');
});

/** What may happen in a second, as the caller and the server see it. */
type Second = 'nothing' | 'answer' | 'message' | 'window' | 'call';
const seconds = fc.array(
  fc.tuple(
    fc.constantFrom<Second>('nothing', 'answer', 'message', 'window', 'call'),
    fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 400 })),
  ),
  { maxLength: 60 },
);

/** http2_server.go `handlePing`, ping_abuse_policy.cc and KeepAliveEnforcer.java agree in this, of pings while calls are under way. */
class StrictServer {
  #lastMs = -Infinity;
  strikes = 0;

  sendsData(): void {
    this.strikes = 0;
    this.#lastMs = -Infinity;
  }

  ping(nowMs: number): void {
    if (nowMs - this.#lastMs < 300_000) this.strikes++;
    this.#lastMs = nowMs;
  }
}

function most(history: readonly (readonly [Second, number])[], isDue?: (second: number) => boolean): number {
  const server = new StrictServer();
  let signs = NONE;
  const schedule = new PingSchedule(0, signs, 0);
  let second = 0;
  let strikes = 0;
  const step = (what: Second): void => {
    second++;
    if (what === 'answer' || what === 'message') server.sendsData();
    signs = {
      bytesRead: signs.bytesRead + (what === 'nothing' || what === 'call' ? 0 : 13),
      dataReceived: signs.dataReceived + (what === 'message' ? 20 : 0),
      callsStarted: signs.callsStarted + (what === 'call' ? 1 : 0),
      callsAnswered: signs.callsAnswered + (what === 'answer' ? 1 : 0),
    };
    if (!(isDue?.(second) ?? schedule.isDue(second * 1000, signs))) return;
    server.ping(second * 1000);
    schedule.sent(second * 1000, signs);
    signs = { ...signs, bytesRead: signs.bytesRead + 17 };
    schedule.acknowledged(second * 1000, signs);
    strikes = Math.max(strikes, server.strikes);
  };
  for (const [what, silent] of history) {
    step(what);
    for (let quiet = 0; quiet < silent; quiet++) step('nothing');
  }
  return strikes;
}

test('whatever happens on a connection, no server has reason to end it', () => {
  fc.assert(
    fc.property(seconds, (history) => assert.ok(most(history) <= 2)),
    { seed: 5, numRuns: 1000 },
  );
});

test('the control: a ping every ten seconds is abuse to them', () => {
  assert.ok(most([['call', 60]], (second) => second % 10 === 0) > 2);
});
