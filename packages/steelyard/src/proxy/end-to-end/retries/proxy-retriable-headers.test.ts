import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { echo, type PodBehaviour } from '@steelyard/testkit';
import { answersThenEnds, endsWith, http, says, startScript, statusOf, withRetries } from './scripted-pods.test-bed.ts';

const NAMES = 'x-envoy-retriable-header-names';
const CODES = 'x-envoy-retriable-status-codes';
const again = { 'x-again': 'please' };

const set = (fields: object): object => ({ headers: { request: { set: fields } } });
const onHeaders = { attempts: 1, retryOn: 'retriable-headers' };

/** A header with a message after it. */
const streams: PodBehaviour = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...again }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end('message');
};

/** What a pod answers, and whether that is a reason to ask another. */
const ANSWERS: readonly (readonly [string, PodBehaviour, boolean])[] = [
  ['OK in one header', says('OK', again), true],
  ['NOT_FOUND in one header', says('NOT_FOUND', again), true],
  ['a header, and a message', streams, true],
  ['HTTP 404', http(404, again), true],
  ['another header', says('NOT_FOUND', { 'x-other': 'x-again' }), false],
  ['trailers', endsWith('NOT_FOUND', again), false],
  ['a message without the header', answersThenEnds('NOT_FOUND'), false],
  ['rate limited', says('NOT_FOUND', { ...again, 'x-envoy-ratelimited': 'true' }), false],
];

describe('retriable-headers', () => {
  for (const [what, behaviour, isReason] of ANSWERS) {
    test(`${what}: ${isReason ? 'again' : 'no reason'}`, async () => {
      const rules = withRetries(onHeaders, set({ [NAMES]: 'X-Again, x-late' }));
      const { caller, arrivals, findings } = await startScript(2, [behaviour], rules);
      assert.deepEqual(findings, []);
      const reply = await caller.call('hello');
      assert.equal(arrivals.length, isReason ? 2 : 1);
      if (isReason) assert.deepEqual([statusOf(reply), reply.body.toString()], ['OK', 'hello']);
      assert.deepEqual(
        arrivals.map(({ headers }) => headers[NAMES]),
        arrivals.map(() => undefined),
        'the header is for the proxy only',
      );
    });
  }

  test('the names may come from the caller, and from the destination', async () => {
    const own = await startScript(2, [says('NOT_FOUND', again)], withRetries(onHeaders));
    assert.equal(statusOf(await own.caller.call('x', { [NAMES]: 'x-again' })), 'OK');
    const route = [{ destination: { host: 'backend' }, headers: { request: { add: { [NAMES]: 'x-again' } } } }];
    const theirs = await startScript(2, [says('NOT_FOUND', again)], withRetries(onHeaders, { route }));
    assert.equal(statusOf(await theirs.caller.call('x')), 'OK');
  });

  test('a route that takes the header away has none of the names', async () => {
    const rules = withRetries(onHeaders, { headers: { request: { remove: [NAMES] } } });
    const { caller, arrivals } = await startScript(2, [says('NOT_FOUND', again)], rules);
    assert.equal(statusOf(await caller.call('x', { [NAMES]: 'x-again' })), 'NOT_FOUND');
    assert.equal(arrivals.length, 1);
  });

  test('without the word the names mean nothing', async () => {
    const { caller, arrivals } = await startScript(
      2,
      [says('NOT_FOUND', again)],
      withRetries({ attempts: 1, retryOn: 'reset' }),
    );
    assert.equal(statusOf(await caller.call('x', { [NAMES]: 'x-again' })), 'NOT_FOUND');
    assert.equal(arrivals.length, 1);
  });

  test('when no attempt is left the answer is the caller’s, message and all', async () => {
    const { caller, arrivals } = await startScript(
      2,
      [streams, streams],
      withRetries(onHeaders, set({ [NAMES]: 'x-again' })),
    );
    const reply = await caller.call('x');
    assert.deepEqual([statusOf(reply), reply.body.toString(), arrivals.length], ['OK', 'message', 2]);
    assert.equal(reply.headers['x-again'], 'please');
  });

  test('hedged calls wait for another answer, too', async () => {
    const rules = {
      ...withRetries(onHeaders, set({ [NAMES]: 'x-again' })),
      annotations: { 'steelyard.dev/hedging': 'delay=60s,max-attempts=2' },
    };
    const { caller, arrivals, findings } = await startScript(2, [streams], rules);
    assert.deepEqual(findings, []);
    assert.deepEqual([(await caller.call('hello')).body.toString(), arrivals.length], ['hello', 2]);
  });
});

describe('retriable-status-codes', () => {
  const teapots: readonly PodBehaviour[] = [http(418), echo];
  for (const [what, rules, headers, count] of [
    [
      'of the route',
      withRetries({ attempts: 1, retryOn: 'retriable-status-codes' }, set({ [CODES]: '409, 418' })),
      {},
      2,
    ],
    ['of the caller', withRetries({ attempts: 1, retryOn: 'retriable-status-codes' }), { [CODES]: '418' }, 2],
    ['of the caller, without the word', withRetries({ attempts: 1, retryOn: 'reset' }), { [CODES]: '418' }, 1],
    [
      "with Istio's default policy, of the route",
      { http: [{ ...set({ [CODES]: '418' }), route: [{ destination: { host: 'backend' } }] }] },
      {},
      2,
    ],
    ["with Istio's default policy, of the caller", {}, { [CODES]: '418' }, 1],
  ] as const) {
    test(`${what}: ${count} attempts`, async () => {
      const { caller, arrivals } = await startScript(2, teapots, rules);
      await caller.call('x', headers);
      assert.equal(arrivals.length, count);
    });
  }
});
