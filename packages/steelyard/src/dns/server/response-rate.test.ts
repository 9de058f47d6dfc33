import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import { ResponseRate } from './response-rate.ts';

function counts(rate: ResponseRate, addresses: readonly string[], nowMs: number): Record<string, number> {
  const found: Record<string, number> = { send: 0, truncate: 0, drop: 0 };
  for (const address of addresses) {
    const verdict = rate.judge(address, nowMs);
    found[verdict] = (found[verdict] ?? 0) + 1;
  }
  return found;
}

const times = (count: number, address: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => address(at));

test('one network gets so many a second; of the rest every other is a short answer that sends it to TCP', () => {
  const rate = new ResponseRate(100, createSeededRandom(1));
  const flood = times(300, (at) => `192.0.2.${at % 256}`);
  assert.deepEqual(counts(rate, flood, 1000), { send: 100, truncate: 100, drop: 100 });
  assert.deepEqual(counts(rate, flood, 1500), { send: 50, truncate: 125, drop: 125 });
  assert.equal(rate.limited, 450);
  // However long it was quiet, no more than one second's worth is waiting.
  assert.equal(counts(rate, flood, 100_000)['send'], 100);
});

test('others are not touched, and networks are /24 and /56', () => {
  const rate = new ResponseRate(10, createSeededRandom(1));
  counts(
    rate,
    times(50, () => '192.0.2.1'),
    0,
  );
  counts(
    rate,
    times(50, () => '2001:db8:0:ff00::1'),
    0,
  );
  for (const [address, verdict] of [
    ['192.0.3.1', 'send'],
    ['192.0.2.200', 'limited'],
    ['::ffff:192.0.2.9', 'limited'],
    ['2001:db8:0:fe00::1', 'send'],
    ['2001:db8:0:ff77::5', 'limited'],
    ['fe80::1%eth0', 'send'],
  ] as const) {
    assert.equal(rate.judge(address, 0) === 'send', verdict === 'send', address);
  }
});

test('a million made-up senders do not limit a quiet one for long', () => {
  const random = createSeededRandom(3);
  const rate = new ResponseRate(50, random);
  const octet = (): number => Math.floor(random() * 256);
  for (let count = 0; count < 200_000; count++) rate.judge(`${octet()}.${octet()}.${octet()}.1`, count / 1000);
  assert.equal(rate.judge('10.0.0.1', 1200), 'send');
});
