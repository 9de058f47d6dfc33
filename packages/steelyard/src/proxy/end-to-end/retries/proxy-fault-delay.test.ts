import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { says, startScript, startTimedScript, statusOf, until } from './scripted-pods.test-bed.ts';

const ROUTE = [{ destination: { host: 'backend' } }];
const ALL = { value: 100 };
const delayed = (delay: object, more: object = {}): { readonly http: readonly object[] } => ({
  http: [{ fault: { delay }, route: ROUTE, ...more }],
});

describe('fault.delay', () => {
  test('holds a call back, and then it goes on whole', async () => {
    const rules = delayed({ fixedDelay: '5s', percentage: ALL });
    const { caller, arrivals, tickAt, clusters } = await startTimedScript(1, [], rules);
    const body = randomBytes(100_000);
    let isAnswered = false;
    const reply = caller.call(body).then((got) => {
      isAnswered = true;
      return got;
    });
    // The call has come in when its cluster is in use.
    await until(() => clusters().length > 0);
    tickAt(4980);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isAnswered && arrivals.length === 0);
    tickAt(5000);
    assert.ok((await reply).body.equals(body));
  });

  for (const [what, delay, low, high] of [
    ['without a percentage: no call', { fixedDelay: '60s' }, 0, 0],
    ['0 %: no call', { fixedDelay: '60s', percentage: { value: 0 } }, 0, 0],
    ['30 %', { fixedDelay: '60s', percentage: { value: 30 } }, 35, 85],
  ] as const) {
    test(`${what}: ${low} to ${high} of 200`, async () => {
      const { caller, arrivals, findings } = await startScript(1, [], delayed(delay));
      assert.deepEqual(findings, []);
      const streams = Array.from({ length: 200 }, () => caller.open());
      for (const stream of streams)
        stream
          .on('error', () => undefined)
          .resume()
          .end('x');
      const last = caller.open({ ':path': '/last/Last' });
      last
        .on('error', () => undefined)
        .resume()
        .end('x');
      await until(() => arrivals.length >= 200 - high);
      // Whatever goes at once has gone when what came last is seen.
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(arrivals.length <= 201 - low, String(arrivals.length));
      for (const stream of [...streams, last]) stream.close(constants.NGHTTP2_CANCEL);
    });
  }

  test('with an abort: the abort comes after the delay', async () => {
    const abort = { grpcStatus: 'ABORTED', percentage: ALL };
    const rules = { http: [{ fault: { delay: { fixedDelay: '5s', percentage: ALL }, abort }, route: ROUTE }] };
    const { caller, arrivals, tickAt } = await startTimedScript(1, [], rules);
    let now = 0;
    const reply = caller.call(randomBytes(5000)).then((got) => {
      const at = now;
      now = -1;
      return { at, status: statusOf(got) };
    });
    await until(() => {
      if (now >= 0) tickAt((now += 100));
      return now < 0;
    });
    const { at, status } = await reply;
    assert.equal(status, 'ABORTED');
    assert.ok(at >= 4900, String(at));
    assert.equal(arrivals.length, 0);
  });

  test("does not use up the route's timeout, but the caller's own deadline goes on", async () => {
    const rules = delayed({ fixedDelay: '5s', percentage: ALL }, { timeout: '1s' });
    const { caller, arrivals, tickAt, endpoints } = await startTimedScript(1, [], rules);
    let now = 0;
    const first = caller.call('x');
    await until(() => {
      tickAt((now += 100));
      return endpoints()[0]?.started === 1;
    });
    assert.equal(statusOf(await first), 'OK');
    let over = false;
    const second = caller.call('x', { 'grpc-timeout': '2S' }).finally(() => (over = true));
    await until(() => {
      tickAt((now += 100));
      return over;
    });
    assert.equal(statusOf(await second), 'DEADLINE_EXCEEDED');
    assert.equal(arrivals.length, 1);
  });

  test('the pod has what is left of the time', async () => {
    const rules = delayed({ fixedDelay: '5s', percentage: ALL });
    const { caller, arrivals, tickAt, endpoints } = await startTimedScript(1, [says('OK')], rules);
    const reply = caller.call('x', { 'grpc-timeout': '60S' });
    let now = 0;
    await until(() => {
      tickAt((now += 100));
      return endpoints()[0]?.started === 1;
    });
    assert.equal(statusOf(await reply), 'OK');
    const left = Number.parseInt(String(arrivals[0]?.headers['grpc-timeout']), 10);
    assert.ok(left > 0 && left <= 55_200_000, String(left));
  });
});
