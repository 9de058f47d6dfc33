import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import { hangs, says, startScript, startTimedScript, statusOf, until, withRetries } from './scripted-pods.test-bed.ts';

/** One call that waits for its retry, and then what becomes of others. */
const LATER = withRetries({ attempts: 1, backoff: '60s' });

describe('the retry budget', () => {
  test('connectionPool.maxRetries: so many at a time, waiting ones included', async () => {
    const script = Array.from({ length: 5 }, () => says('UNAVAILABLE'));
    const trafficPolicy = { connectionPool: { http: { maxRetries: 2 } } };
    const { caller, tickAt, endpoints, clusters } = await startTimedScript(1, script, { ...LATER, trafficPolicy });
    const waiting = [caller.call('1'), caller.call('2')];
    await until(() => endpoints()[0]?.started === 2 && endpoints()[0]?.active === 0);
    assert.equal(statusOf(await caller.call('3')), 'UNAVAILABLE');
    assert.equal(clusters()[0]?.refused['retries'], 1);
    tickAt(60_000);
    assert.deepEqual((await Promise.all(waiting)).map(statusOf), ['UNAVAILABLE', 'UNAVAILABLE']);
    // The script is at its end, and both places are free again.
    assert.equal(statusOf(await caller.call('4')), 'OK');
  });

  test('retryBudget: a share of the calls under way, and a few in any case', async () => {
    const calls = 20;
    const script: PodBehaviour[] = Array.from({ length: calls }, () => hangs);
    const failing = Array.from({ length: 8 }, () => says('UNAVAILABLE'));
    const trafficPolicy = { retryBudget: { percent: 20, minRetryConcurrency: 1 } };
    const rules = { ...LATER, trafficPolicy };
    const { caller, arrivals, endpoints, tickAt } = await startTimedScript(1, [...script, ...failing], rules);
    const streams = Array.from({ length: calls }, () => caller.open());
    for (const stream of streams) stream.on('error', () => undefined).end('x');
    await until(() => arrivals.length === calls);
    const replies: string[] = [];
    for (const [i] of failing.entries()) {
      void caller.call('y').then((reply) => replies.push(statusOf(reply)));
      await until(() => endpoints()[0]?.started === calls + i + 1 && endpoints()[0]?.active === calls);
    }
    await until(() => replies.length === 3);
    // With the call that fails and those that wait there are 26 under way when the sixth asks: a fifth is less than 6.
    assert.deepEqual(replies, ['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    tickAt(60_000);
    await until(() => replies.length === failing.length);
    assert.deepEqual(
      replies.slice(3),
      Array.from({ length: 5 }, () => 'OK'),
    );

    const few = await startTimedScript(1, failing, rules);
    const waiting = few.caller.call('x');
    await until(() => few.endpoints()[0]?.started === 1 && few.endpoints()[0]?.active === 0);
    assert.equal(statusOf(await few.caller.call('y')), 'UNAVAILABLE');
    few.tickAt(60_000);
    assert.equal(statusOf(await waiting), 'UNAVAILABLE');
  });

  test('budgetInterval: a share of the attempts begun within it, though none is under way', async () => {
    const well = Array.from({ length: 20 }, () => says('OK'));
    const failing = Array.from({ length: 30 }, () => says('UNAVAILABLE'));
    const trafficPolicy = { retryBudget: { percent: 20, minRetryConcurrency: 1, budgetInterval: '10s' } };
    const rules = { ...LATER, trafficPolicy };
    const { caller, endpoints, clusters, tickAt } = await startTimedScript(1, [...well, ...failing], rules);
    for (const [i] of well.entries()) assert.equal(statusOf(await caller.call(String(i))), 'OK');
    let told = 0;
    const replies: Promise<unknown>[] = [];
    const waiting = (): number => (endpoints()[0]?.started ?? 0) - well.length - told;
    for (let i = 1; i <= 8; i++) {
      const reply = caller.call('x').then(() => told++);
      replies.push(reply);
      // The sixth finds five waiting, and a fifth of 26 attempts is less than six. Envoy 1.40 does the same.
      if (i > 5) await reply;
      else await until(() => endpoints()[0]?.started === well.length + i && endpoints()[0]?.active === 0);
    }
    assert.deepEqual([told, waiting(), clusters()[0]?.refused['retries']], [3, 5, 3]);
    // Those attempts are long past: of few the budget is one.
    tickAt(20_000);
    assert.equal(statusOf(await caller.call('y')), 'UNAVAILABLE');
    assert.equal(clusters()[0]?.refused['retries'], 4);
    tickAt(80_000);
    await Promise.all(replies);
  });

  test('without either: a cluster that is down gets no more than its calls after a while', async () => {
    const always = Array.from({ length: 3000 }, () => says('UNAVAILABLE'));
    const { caller, arrivals } = await startScript(2, always, withRetries({ attempts: 1 }));
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 100 }, () => caller.call('x')));
    // gRFC A6: retries as long as more than half of 1000 tokens are there. Each call costs two, and 100 come at a time.
    assert.ok(arrivals.length >= 1200 && arrivals.length <= 1350, String(arrivals.length));
  });
});
