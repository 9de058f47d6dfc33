import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { collect, echo, type PodBehaviour } from '@steelyard/testkit';
import type { Rules } from '../proxy-rules.test-bed.ts';
import { type Arrival, endsWith, hangs, says, startTimedScript, statusOf, until } from './scripted-pods.test-bed.ts';

const hedged = (maxAttempts: number, more: Omit<Rules, 'pods'> = {}): Omit<Rules, 'pods'> => ({
  annotations: { 'steelyard.dev/hedging': `max-attempts=${maxAttempts},delay=100ms` },
  ...more,
});

async function assertCancelled(arrival: Arrival | undefined): Promise<void> {
  assert.ok(arrival);
  if (!arrival.stream.closed) await once(arrival.stream, 'close');
  assert.equal(arrival.stream.rstCode, constants.NGHTTP2_CANCEL);
}

describe('hedging (gRFC A6)', () => {
  test('after the delay another pod has the call too; the first to answer wins, the other is cancelled', async () => {
    const { caller, arrivals, tickAt, endpoints } = await startTimedScript(3, [hangs], hedged(3));
    const body = randomBytes(5000);
    const reply = caller.call(body);
    await until(() => arrivals.length === 1);
    tickAt(90);
    assert.equal(endpoints().filter(({ active }) => active > 0).length, 1);
    tickAt(100);
    assert.ok((await reply).body.equals(body));
    assert.equal(arrivals.length, 2);
    assert.notEqual(arrivals[0]?.pod, arrivals[1]?.pod);
    assert.equal(arrivals[1]?.headers['grpc-previous-rpc-attempts'], '1');
    await assertCancelled(arrivals[0]);
    await until(() => endpoints().every(({ active }) => active === 0));
  });

  test('an answer in time is the only one', async () => {
    const { caller, arrivals, tickAt } = await startTimedScript(3, [], hedged(3));
    assert.equal(String((await caller.call('x')).body), 'x');
    tickAt(1000);
    assert.equal(String((await caller.call('y')).body), 'y');
    assert.equal(arrivals.length, 2);
  });

  test('all attempts are made; the slowest may win, and the rest of a request goes to each', async () => {
    const late: PodBehaviour = (stream, headers) => {
      stream.once('data', (first: Buffer) => {
        stream.pause();
        stream.unshift(first);
        if (first.length > 0) setImmediate(() => echo(stream, headers));
      });
    };
    const { caller, arrivals, tickAt } = await startTimedScript(3, [hangs, hangs, late], hedged(3));
    const stream = caller.open();
    const reply = collect(stream);
    for (const at of [100, 200]) {
      await until(() => arrivals.length === at / 100);
      tickAt(at);
    }
    await until(() => arrivals.length === 3);
    const body = randomBytes(20_000);
    stream.write(body.subarray(0, 100));
    stream.end(body.subarray(100));
    assert.ok((await reply).body.equals(body));
    await assertCancelled(arrivals[0]);
    await assertCancelled(arrivals[1]);
  });

  for (const [form, behaviour] of [
    ['the header', says],
    ['trailers', endsWith],
  ] as const) {
    test(`a status to try again on, in ${form}, starts the next at once; another one is the answer`, async () => {
      const { caller, arrivals } = await startTimedScript(3, [behaviour('UNAVAILABLE')], hedged(3));
      assert.equal(String((await caller.call('x')).body), 'x');
      assert.equal(arrivals.length, 2);
      const fatal = await startTimedScript(3, [behaviour('NOT_FOUND')], hedged(3));
      assert.equal(statusOf(await fatal.caller.call('x')), 'NOT_FOUND');
      assert.equal(fatal.arrivals.length, 1);
    });

    test(`when all fail the caller hears the last, from ${form}`, async () => {
      const script = ['a', 'b'].map((word) => behaviour('UNAVAILABLE', { 'x-word': word }));
      const { caller } = await startTimedScript(3, script, hedged(2));
      const reply = await caller.call('x');
      assert.equal(statusOf(reply), 'UNAVAILABLE');
      assert.equal({ ...reply.headers, ...reply.trailers }['x-word'], 'b');
    });
  }

  test('pushback: none when negative, the next at its time when not', async () => {
    const never = says('UNAVAILABLE', { 'grpc-retry-pushback-ms': '-1' });
    const { caller, arrivals } = await startTimedScript(3, [never], hedged(3));
    assert.equal(statusOf(await caller.call('x')), 'UNAVAILABLE');
    assert.equal(arrivals.length, 1);
    const later = says('UNAVAILABLE', { 'grpc-retry-pushback-ms': '500' });
    const bed = await startTimedScript(3, [later], hedged(3));
    const reply = bed.caller.call('x');
    await until(() => bed.endpoints().some(({ started, active }) => started === 1 && active === 0));
    bed.tickAt(490);
    assert.equal(bed.endpoints().filter(({ started }) => started > 0).length, 1);
    bed.tickAt(500);
    assert.equal(statusOf(await reply), 'OK');
  });

  test('a caller that goes cancels all', async () => {
    const { caller, arrivals, tickAt, endpoints } = await startTimedScript(3, [hangs, hangs], hedged(3));
    const stream = caller.open();
    stream.end('x');
    stream.on('error', () => undefined);
    await until(() => arrivals.length === 1);
    tickAt(100);
    await until(() => arrivals.length === 2);
    stream.close(constants.NGHTTP2_CANCEL);
    await assertCancelled(arrivals[0]);
    await assertCancelled(arrivals[1]);
    assert.ok(endpoints().every(({ active }) => active === 0));
    tickAt(1000);
    assert.equal(statusOf(await caller.call('y')), 'OK');
    assert.equal(arrivals.length, 3);
  });

  test('a request too long to be kept is the first pod’s alone', async () => {
    const { caller, arrivals, tickAt } = await startTimedScript(3, [], hedged(3));
    const body = randomBytes(1_000_000);
    const reply = await caller.call(body);
    tickAt(1000);
    assert.ok(reply.body.equals(body));
    assert.equal(arrivals.length, 1);
  });

  test('only within the retry budget', async () => {
    const trafficPolicy = { connectionPool: { http: { maxRetries: 1 } } };
    const { caller, arrivals, tickAt } = await startTimedScript(3, [hangs, hangs, hangs], hedged(3, { trafficPolicy }));
    const streams = [caller.open(), caller.open()];
    for (const stream of streams) stream.on('error', () => undefined).end('x');
    await until(() => arrivals.length === 2);
    tickAt(100);
    await until(() => arrivals.length === 3);
    tickAt(1000);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    assert.equal(statusOf(await caller.call('y')), 'OK');
    assert.equal(arrivals.length, 4);
  });
});
