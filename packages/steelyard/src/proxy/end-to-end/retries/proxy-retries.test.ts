import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { collect, type PodBehaviour, type TestReply } from '@steelyard/testkit';
import {
  endsWith,
  hangs,
  says,
  startScript,
  startTimedScript,
  statusOf,
  type TimedScriptedBed,
  until,
  withRetries,
} from './scripted-pods.test-bed.ts';

describe('a retry', () => {
  test('goes to another pod as long as there is one, and then to any but the last', async () => {
    for (const retryIgnorePreviousHosts of [true, false]) {
      const script = Array.from({ length: 7 }, () => says('UNAVAILABLE'));
      const rules = withRetries({ attempts: 6, retryOn: 'unavailable', retryIgnorePreviousHosts });
      const { caller, arrivals } = await startScript(3, script, rules);
      assert.equal(statusOf(await caller.call('x')), 'UNAVAILABLE');
      const pods = arrivals.map(({ pod }) => pod);
      assert.equal(pods.length, 7);
      for (const [i, pod] of pods.entries()) assert.notEqual(pod, pods[i + 1], pods.join(' '));
      if (retryIgnorePreviousHosts) assert.equal(new Set(pods.slice(0, 3)).size, 3);
    }
  });

  test('of a call that no pod has looked at goes to another pod, too, and waits for nothing', async () => {
    const refuses: PodBehaviour = (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const script = Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? says('OK') : refuses));
    const { caller, arrivals } = await startTimedScript(3, script, withRetries({ attempts: 0 }));
    for (let i = 0; i < 10; i++) assert.equal(statusOf(await caller.call('x')), 'OK');
    const pods = arrivals.map(({ pod }) => pod);
    for (const [i, pod] of pods.entries()) if (i % 4 > 0) assert.notEqual(pod, pods[i - 1], pods.join(' '));
  });

  test('takes what the caller sends meanwhile with it, trailers and all', async () => {
    const rules = withRetries({ attempts: 1, backoff: '400ms' });
    const { caller, arrivals } = await startScript(2, [says('UNAVAILABLE')], rules);
    const stream = caller.open();
    const reply = collect(stream);
    const body = randomBytes(200_000);
    stream.write(body.subarray(0, 10));
    await until(() => arrivals[0]?.stream.closed === true);
    stream.end(body.subarray(10));
    assert.ok((await reply).body.equals(body));
    assert.equal(arrivals.length, 2);
  });

  test('of a request too long to be kept: there is none', async () => {
    const late: PodBehaviour = (stream, headers) => {
      stream.on('data', () => undefined).on('end', () => says('UNAVAILABLE')(stream, headers));
    };
    const { caller, arrivals } = await startScript(2, [late]);
    assert.equal(statusOf(await caller.call(randomBytes(500_000))), 'UNAVAILABLE');
    assert.equal(arrivals.length, 1);
  });

  test('when the caller has gone: there is none', async () => {
    const rules = withRetries({ attempts: 5, backoff: '1s' });
    const { caller, arrivals, tickAt, endpoints } = await startTimedScript(1, [says('UNAVAILABLE')], rules);
    const stream = caller.open();
    stream.end('x');
    await until(() => endpoints()[0]?.started === 1 && endpoints()[0]?.active === 0);
    stream.close(constants.NGHTTP2_CANCEL);
    assert.equal(statusOf(await caller.call('y')), 'OK');
    tickAt(60_000);
    assert.equal(statusOf(await caller.call('z')), 'OK');
    assert.equal(arrivals.length, 3);
  });

  test('waits for half the interval when chance is even, twice as long the next time', async () => {
    const rules = withRetries({ attempts: 2, backoff: '1s' });
    const script = [says('UNAVAILABLE'), says('UNAVAILABLE')];
    const { caller, arrivals, tickAt, endpoints } = await startTimedScript(1, script, rules);
    const reply = caller.call('x');
    const failed = (count: number) => (): boolean => endpoints()[0]?.started === count && endpoints()[0]?.active === 0;
    await until(failed(1));
    // A wheel of 10 ms notices it up to as much earlier.
    tickAt(480);
    assert.ok(failed(1)());
    tickAt(500);
    await until(failed(2));
    tickAt(1480);
    assert.ok(failed(2)());
    tickAt(1500);
    assert.equal(statusOf(await reply), 'OK');
    assert.equal(arrivals.length, 3);
  });

  test('after the deadline: there is none, and the pod is heard', async () => {
    const rules = withRetries({ attempts: 5 });
    const pushback = says('UNAVAILABLE', { 'grpc-retry-pushback-ms': '60000' });
    const { caller, arrivals } = await startScript(1, [pushback], rules);
    assert.equal(statusOf(await caller.call('x', { 'grpc-timeout': '30S' })), 'UNAVAILABLE');
    assert.equal(arrivals.length, 1);
  });

  test('has what is left of the time', async () => {
    const { caller, arrivals } = await startScript(1, [says('UNAVAILABLE')], withRetries({ attempts: 1 }));
    await caller.call('x', { 'grpc-timeout': '30S' });
    const left = arrivals.map(({ headers }) => String(headers['grpc-timeout']));
    assert.equal(left[0], '30S');
    assert.match(left[1] ?? '', /^[12]\d{7}u$/);
  });

  test('counts on from the attempts that the caller has made', async () => {
    const { caller, arrivals } = await startScript(1, [says('UNAVAILABLE')]);
    await caller.call('x', { 'grpc-previous-rpc-attempts': '2' });
    assert.deepEqual(
      arrivals.map(({ headers }) => headers['grpc-previous-rpc-attempts']),
      ['2', '3'],
    );
  });
});

describe('grpc-retry-pushback-ms', () => {
  for (const [value, attempts] of [
    ['0', 2],
    ['15', 2],
    ['-1', 1],
    ['soon', 1],
    ['99999999999', 1],
  ] as const) {
    for (const [form, behaviour] of [
      ['header', says],
      ['trailers', endsWith],
    ] as const) {
      test(`${value} in the ${form}: ${attempts} attempts`, async () => {
        const pod = behaviour('UNAVAILABLE', { 'grpc-retry-pushback-ms': value });
        const { caller, arrivals } = await startScript(1, [pod], withRetries({ attempts: 3, backoff: '60s' }));
        const reply = await caller.call('x');
        assert.equal(arrivals.length, attempts);
        assert.equal(statusOf(reply), attempts === 1 ? 'UNAVAILABLE' : 'OK');
        if (attempts === 1) assert.equal({ ...reply.headers, ...reply.trailers }['grpc-retry-pushback-ms'], value);
      });
    }
  }
});

/** A call of which so many attempts take too long. */
async function timeOut({ caller, arrivals, tickAt }: TimedScriptedBed, attempts: number): Promise<TestReply> {
  let now = 0;
  const reply = caller.call('x');
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await until(() => {
      // The backoff before it.
      tickAt((now += 0.1));
      return arrivals.length === attempt;
    });
    tickAt((now += 1010));
  }
  // The backoff after the last.
  let isOver = false;
  void reply.then(() => (isOver = true));
  await until(() => {
    tickAt((now += 0.1));
    return isOver;
  });
  return reply;
}

describe('perTryTimeout', () => {
  test('ends an attempt that has not begun to answer; the next pod has the call', async () => {
    const rules = withRetries({ attempts: 2, perTryTimeout: '1s', retryOn: 'deadline-exceeded' });
    const bed = await startTimedScript(2, [hangs, hangs], rules);
    assert.equal(statusOf(await timeOut(bed, 2)), 'OK');
    assert.equal(bed.arrivals.length, 3);
    for (const { stream } of bed.arrivals.slice(0, 2)) {
      if (!stream.closed) await once(stream, 'close');
      assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
    }
  });

  for (const [retryOn, attempts] of [
    ['unavailable', 1],
    ['reset', 3],
  ] as const) {
    test(`${retryOn}: after ${attempts} attempts the call ends with DEADLINE_EXCEEDED`, async () => {
      const rules = withRetries({ attempts: 2, perTryTimeout: '1s', retryOn });
      const bed = await startTimedScript(1, [hangs, hangs, hangs], rules);
      const reply = await timeOut(bed, attempts);
      assert.equal(statusOf(reply), 'DEADLINE_EXCEEDED');
      assert.match(String(reply.headers['grpc-message']), /did not answer within the 1000 ms/);
      assert.equal(bed.arrivals.length, attempts);
    });
  }

  test('begins with the end of the request', async () => {
    const rules = withRetries({ attempts: 2, perTryTimeout: '1s', retryOn: 'deadline-exceeded' });
    const late: PodBehaviour = (stream) => {
      stream.on('data', () => undefined).on('end', () => says('OK')(stream, {}));
    };
    const { caller, arrivals, tickAt } = await startTimedScript(1, [late], rules);
    const stream = caller.open();
    const reply = collect(stream);
    stream.write('x');
    await until(() => arrivals.length === 1);
    tickAt(5000);
    stream.end('y');
    assert.equal(statusOf(await reply), 'OK');
    assert.equal(arrivals.length, 1);
  });

  test('ends with the beginning of the response', async () => {
    const rules = withRetries({ attempts: 2, perTryTimeout: '1s', retryOn: 'deadline-exceeded' });
    let finish = (): void => undefined;
    const slow: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.write('x');
      finish = () => void stream.end('y');
    };
    const { caller, arrivals, tickAt } = await startTimedScript(1, [slow], rules);
    const stream = caller.open();
    const reply = collect(stream);
    stream.end('x');
    await once(stream, 'response');
    tickAt(5000);
    finish();
    assert.equal(String((await reply).body), 'xy');
    assert.equal(arrivals.length, 1);
  });
});

describe('the header of a response that can still be retried', () => {
  test('reaches a caller that has more to send at once', async () => {
    const opens: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14' }));
      stream.on('data', () => undefined).on('end', () => stream.end());
    };
    const { caller, arrivals } = await startScript(2, [opens]);
    const stream = caller.open();
    const reply = collect(stream);
    stream.write('x');
    await once(stream, 'response');
    stream.end();
    assert.equal(statusOf(await reply), 'UNAVAILABLE');
    assert.equal(arrivals.length, 1, 'it is committed');
  });

  test('reaches one that has said all after a while', async () => {
    let finish = (): void => undefined;
    const opens: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14' }));
      finish = () => void stream.end();
    };
    const { caller, arrivals, tickAt } = await startTimedScript(2, [opens]);
    const stream = caller.open();
    const reply = collect(stream);
    stream.end('x');
    await until(() => arrivals.length === 1);
    let now = 0;
    stream.once('response', () => (now = -1));
    await until(() => {
      if (now >= 0) tickAt((now += 10));
      return now < 0;
    });
    finish();
    assert.equal(statusOf(await reply), 'UNAVAILABLE');
    assert.equal(arrivals.length, 1);
  });
});
