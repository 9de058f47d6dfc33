import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import {
  answersThenEnds,
  endsWith,
  http,
  resets,
  says,
  startScript,
  statusOf,
  withRetries,
} from './scripted-pods.test-bed.ts';

const dies: PodBehaviour = (stream) => {
  stream.on('data', () => undefined).on('end', () => stream.session?.destroy());
};

/** What a pod does, and the words of `retryOn` that try again on it. */
const FAILURES: readonly (readonly [string, PodBehaviour, readonly string[]])[] = [
  ['CANCELLED in the header', says('CANCELLED'), ['cancelled']],
  ['DEADLINE_EXCEEDED in the header', says('DEADLINE_EXCEEDED'), ['deadline-exceeded']],
  ['RESOURCE_EXHAUSTED in the header', says('RESOURCE_EXHAUSTED'), ['resource-exhausted']],
  ['INTERNAL in the header', says('INTERNAL'), ['internal']],
  ['UNAVAILABLE in the header', says('UNAVAILABLE'), ['unavailable']],
  ['CANCELLED in trailers', endsWith('CANCELLED'), ['cancelled']],
  ['DEADLINE_EXCEEDED in trailers', endsWith('DEADLINE_EXCEEDED'), ['deadline-exceeded']],
  ['RESOURCE_EXHAUSTED in trailers', endsWith('RESOURCE_EXHAUSTED'), ['resource-exhausted']],
  ['INTERNAL in trailers', endsWith('INTERNAL'), ['internal']],
  ['UNAVAILABLE in trailers', endsWith('UNAVAILABLE'), ['unavailable']],
  ['a status nobody tries again on', says('NOT_FOUND'), []],
  ['UNAVAILABLE after a message', answersThenEnds('UNAVAILABLE'), []],
  ['HTTP 500', http(500), ['5xx', '500']],
  ['HTTP 503, which gRPC reads as UNAVAILABLE', http(503), ['5xx', 'gateway-error', '503', 'unavailable']],
  ['HTTP 409', http(409), ['retriable-4xx', '409']],
  ['HTTP 418', http(418), ['418']],
  ['rate limited', http(429, { 'x-envoy-ratelimited': 'true' }), ['envoy-ratelimited', '429', 'unavailable']],
  ['a reset', resets(constants.NGHTTP2_INTERNAL_ERROR), ['5xx', 'gateway-error', 'reset', 'internal']],
  ['a reset with CANCEL', resets(constants.NGHTTP2_CANCEL), ['5xx', 'gateway-error', 'reset', 'cancelled']],
  ['a lost connection', dies, ['5xx', 'gateway-error', 'reset', 'unavailable']],
];

const WORDS = (
  '5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes ' +
  'retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal ' +
  'resource-exhausted unavailable 500 503 409 418 429'
).split(' ');

describe('retryOn', () => {
  for (const [what, behaviour, words] of FAILURES) {
    test(`${what}: ${words.length === 0 ? 'no word' : words.join(', ')}`, async () => {
      const retried: string[] = [];
      for (const word of WORDS) {
        const { caller, arrivals } = await startScript(1, [behaviour], withRetries({ attempts: 1, retryOn: word }));
        const body = randomBytes(3000);
        const reply = await caller.call(body);
        if (arrivals.length === 1) continue;
        retried.push(word);
        assert.equal(statusOf(reply), 'OK', word);
        assert.ok(reply.body.equals(body), `${word}: the request comes whole`);
        assert.equal(reply.headers['x-head'], undefined, 'nothing of the attempt that failed is left');
      }
      assert.deepEqual(
        retried,
        WORDS.filter((word) => words.includes(word)),
      );
    });
  }

  test("without retries: Istio's default policy, two more attempts", async () => {
    const unavailable = says('UNAVAILABLE');
    const { caller, arrivals } = await startScript(3, [unavailable, endsWith('CANCELLED')]);
    assert.equal(statusOf(await caller.call('x')), 'OK');
    assert.deepEqual(
      arrivals.map(({ headers }) => headers['grpc-previous-rpc-attempts']),
      [undefined, '1', '2'],
    );
    assert.equal(new Set(arrivals.map(({ pod }) => pod)).size, 3, 'never a pod that had it');
    const failing = await startScript(3, [unavailable, unavailable, says('UNAVAILABLE', { 'grpc-message': 'third' })]);
    const reply = await failing.caller.call('x');
    assert.equal(reply.headers['grpc-message'], 'third', 'the last answer is what the caller gets');
    assert.equal(failing.arrivals.length, 3);
  });

  test('attempts: 0 is off', async () => {
    const { caller, arrivals, findings } = await startScript(2, [says('UNAVAILABLE')], withRetries({ attempts: 0 }));
    assert.equal(statusOf(await caller.call('x')), 'UNAVAILABLE');
    assert.equal(arrivals.length, 1);
    assert.deepEqual(findings, []);
  });

  test('callers that are not gRPC: by the HTTP status only', async () => {
    const rules = withRetries({ attempts: 1, retryOn: 'unavailable' });
    const plain = { 'content-type': 'text/plain' };
    const { caller, arrivals } = await startScript(1, [http(503)], rules);
    assert.equal((await caller.call('x', plain)).headers[':status'], 503);
    assert.equal(arrivals.length, 1);
    const other = await startScript(1, [http(503)], withRetries({ attempts: 1, retryOn: '503' }));
    assert.equal((await other.caller.call('x', plain)).headers[':status'], 200);
  });
});
