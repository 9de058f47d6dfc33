import assert from 'node:assert/strict';
import { beforeEach, suite, test } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import type { WatchResult } from '../targets/endpoint-watch.ts';
import { FakeClock, settle } from '../fake-clock.test-bed.ts';
import type { DnsAnswer } from './dns-answer.ts';
import { NameWatch } from './name-watch.ts';

const found = (ttlMs: number, ...hosts: string[]): DnsAnswer => ({
  kind: 'found',
  name: 'a.test',
  endpoints: hosts.map((host) => ({ host, port: 80 })),
  ttlMs,
});
const empty: DnsAnswer = { kind: 'empty', message: 'a.test does not exist' };
const failed: DnsAnswer = { kind: 'failed', message: 'the DNS server does not answer about a.test' };

suite('a name is looked up again and again', () => {
  let clock = new FakeClock();
  let answer: DnsAnswer = empty;
  let lookUps: number[] = [];
  let preferred: (string | undefined)[] = [];
  let told: WatchResult[] = [];
  let watch: NameWatch;

  beforeEach(() => {
    clock = new FakeClock();
    lookUps = [];
    preferred = [];
    told = [];
    watch = new NameWatch({
      what: 'headless:///a:80',
      minTtlMs: 1000,
      maxTtlMs: 30_000,
      clock,
      random: createSeededRandom(1),
      lookUp: async (name) => {
        lookUps.push(clock.now());
        preferred.push(name);
        return answer;
      },
    });
  });

  const open = async (): Promise<void> => {
    watch.open((result) => told.push(result));
    assert.deepEqual(told, [], 'never before open returns');
    await settle();
  };
  const hosts = (result: WatchResult | undefined): string[] | string | undefined =>
    result?.ok === true ? result.endpoints.map(({ host }) => host) : result?.message;

  test('as the TTL runs out, a little later each time', async () => {
    answer = found(5000, '1.1.1.1');
    await open();
    await clock.pass(60_000);
    const gaps = lookUps.slice(1).map((at, index) => at - (lookUps[index] ?? 0));
    assert.ok(gaps.length >= 10, `${gaps.length} look-ups`);
    for (const gap of gaps) assert.ok(gap >= 5000 && gap <= 5500, `after ${gap} ms`);
    assert.ok(new Set(gaps).size > 5, 'at different moments');
    assert.equal(told.length, 1, 'no news, no word');
    assert.deepEqual(preferred.slice(0, 3), [undefined, 'a.test', 'a.test']);
  });

  for (const { ttlMs, least, most } of [
    { ttlMs: 0, least: 1000, most: 1100 },
    { ttlMs: 3_600_000, least: 30_000, most: 30_500 },
    { ttlMs: Infinity, least: 30_000, most: 30_500 },
  ]) {
    test(`a TTL of ${ttlMs} ms is kept within bounds`, async () => {
      answer = found(ttlMs, '1.1.1.1');
      await open();
      const { next = -1 } = clock;
      assert.ok(next >= least && next <= most, `next after ${next} ms`);
    });
  }

  test('news is told, another order is none', async () => {
    answer = found(1000, '1.1.1.1', '2.2.2.2');
    await open();
    answer = found(1000, '2.2.2.2', '1.1.1.1');
    await clock.pass(5000);
    assert.equal(told.length, 1);
    answer = found(1000, '2.2.2.2', '3.3.3.3');
    await clock.pass(1500);
    assert.deepEqual(told.map(hosts), [
      ['1.1.1.1', '2.2.2.2'],
      ['2.2.2.2', '3.3.3.3'],
    ]);
  });

  for (const bad of [empty, failed]) {
    test(`a ${bad.kind} answer takes nothing away, and is asked again at growing intervals`, async () => {
      answer = found(1000, '1.1.1.1');
      await open();
      answer = bad;
      await clock.pass(120_000);
      assert.equal(told.length, 1);
      const gaps = lookUps.slice(1).map((at, index) => at - (lookUps[index] ?? 0));
      assert.ok(gaps.length < 12, `${gaps.length} look-ups in two minutes`);
      assert.ok(Math.max(...gaps) <= 36_000);
      watch.refresh();
      await clock.pass(1000);
      assert.deepEqual(hosts(told[1]), ['1.1.1.1']);
      assert.match(told[1]?.ok === true ? told[1].note : '', /a\.test.*the last good answer, 1 addresses, stays/);
      answer = found(1000, '2.2.2.2');
      await clock.pass(40_000);
      assert.deepEqual(hosts(told[2]), ['2.2.2.2']);
    });
  }

  test('without any answer yet the reason is told, once, and then the first answer', async () => {
    answer = failed;
    await open();
    await clock.pass(10_000);
    assert.deepEqual(told.map(hosts), ['headless:///a:80: the DNS server does not answer about a.test']);
    answer = found(1000, '1.1.1.1');
    await clock.pass(20_000);
    assert.deepEqual(hosts(told[1]), ['1.1.1.1']);
  });

  test('a lost connection asks at once, but not more often than the floor allows', async () => {
    answer = found(30_000, '1.1.1.1');
    await open();
    await clock.pass(10_000);
    answer = found(30_000, '2.2.2.2');
    watch.refresh();
    await settle();
    assert.deepEqual(lookUps, [0, 10_000]);
    assert.deepEqual(hosts(told[1]), ['2.2.2.2']);
    for (let again = 0; again < 100; again++) watch.refresh();
    await clock.pass(5000);
    assert.deepEqual(lookUps, [0, 10_000, 11_000]);
    assert.equal(told.length, 3, 'who asked is answered, news or not');
  });

  test('nothing is left when it is closed', async () => {
    answer = found(1000, '1.1.1.1');
    await open();
    watch.close();
    assert.equal(clock.timers, 0);
    await clock.pass(10_000);
    assert.equal(lookUps.length, 1);
  });
});
