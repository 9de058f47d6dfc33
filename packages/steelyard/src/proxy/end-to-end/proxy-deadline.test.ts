import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { describe, test } from 'node:test';
import { collect, createTestSource, type PodBehaviour, startPod } from '@steelyard/testkit';
import { startTimedBed } from '../transport/engine.test-bed.ts';
import { named, startRules } from './proxy-rules.test-bed.ts';
import { cleanUp } from './proxy.test-bed.ts';

const rule = (timeout?: string): readonly object[] => [
  { route: [{ destination: { host: 'backend' } }], ...(timeout !== undefined && { timeout }) },
];

interface Hanging {
  readonly behaviour: PodBehaviour;
  /** What the pod was given: its time, and how its stream ended. */
  readonly seen: Promise<{ readonly timeout: unknown; readonly code: number | undefined }>;
}

/** Never answers in full. */
function hanging(begin: (stream: ServerHttp2Stream) => void = () => undefined): Hanging {
  let tell: (seen: { readonly timeout: unknown; readonly code: number | undefined }) => void = () => undefined;
  const seen = new Promise<{ readonly timeout: unknown; readonly code: number | undefined }>((resolve) => {
    tell = resolve;
  });
  return {
    seen,
    behaviour: (stream, headers) => {
      begin(stream);
      stream.once('close', () => tell({ timeout: headers['grpc-timeout'], code: stream.rstCode }));
    },
  };
}

const CASES: readonly [string, string | undefined, object, string | undefined][] = [
  ['the caller’s', undefined, { 'grpc-timeout': '30m' }, '30m'],
  ['the route’s', '30ms', {}, '30000u'],
  ['the route’s, being less than the caller’s', '30ms', { 'grpc-timeout': '10S' }, '30000u'],
  ['the caller’s, being less than the route’s', '10s', { 'grpc-timeout': '30000u' }, '30000u'],
  ['the route’s, where the caller’s is no timeout', '30ms', { 'grpc-timeout': 'soon' }, '30000u'],
];

describe('a call ends by its deadline', () => {
  for (const [whose, timeout, headers, forwarded] of CASES) {
    test(whose, async () => {
      const { behaviour, seen } = hanging();
      const { caller, findings } = await startRules({ pods: [{ behaviour }], http: rule(timeout) });
      assert.deepEqual(findings, []);
      const reply = await caller.call('x', { ...headers });
      assert.equal(reply.headers['grpc-status'], '4');
      assert.match(String(reply.headers['grpc-message']), /deadline of the call passed at 127\.0\.0\.1:\d+ before/);
      assert.deepEqual(await seen, { timeout: forwarded, code: constants.NGHTTP2_CANCEL });
    });
  }

  test('in the middle of the response: by its trailers', async () => {
    const { behaviour, seen } = hanging((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write('part');
    });
    const { caller } = await startRules({ pods: [{ behaviour }], http: rule('500ms') });
    const reply = await caller.call('x');
    assert.deepEqual([reply.body.toString(), reply.trailers['grpc-status']], ['part', '4']);
    assert.equal((await seen).code, constants.NGHTTP2_CANCEL);
  });

  test('in the middle of the request', async () => {
    const { behaviour, seen } = hanging();
    const { caller } = await startRules({ pods: [{ behaviour }], http: rule('30ms') });
    const stream = caller.open();
    stream.write('part');
    const [headers] = await once(stream, 'response');
    assert.equal(headers['grpc-status'], '4');
    stream.end('rest');
    await collect(stream);
    assert.equal((await seen).code, constants.NGHTTP2_CANCEL);
    // The connection is none the worse for it.
    assert.equal((await caller.call('x')).headers['grpc-status'], '4');
  });

  test('without gRPC: 504, and the route’s timeout only', async () => {
    const { behaviour, seen } = hanging();
    const { caller } = await startRules({ pods: [{ behaviour }], http: rule('60ms') });
    const reply = await caller.call('x', { 'content-type': 'text/plain', 'grpc-timeout': '1n' });
    assert.equal(reply.headers[':status'], 504);
    assert.deepEqual(await seen, { timeout: '1n', code: constants.NGHTTP2_CANCEL });
  });

  test('not when it is answered before', async () => {
    const { caller } = await startRules({ pods: [{ behaviour: named('a') }], http: rule('10s') });
    const replies = await Promise.all(Array.from({ length: 50 }, () => caller.call('x', { 'grpc-timeout': '5S' })));
    assert.ok(replies.every(({ headers }) => headers['grpc-status'] === '0'));
  });
});

test('a call that is sent again has what is left of its time', async () => {
  const given: unknown[] = [];
  const pod = await startPod((stream, headers) => {
    given.push(headers['grpc-timeout']);
    if (given.length > 1) {
      named('a')(stream, headers);
      return;
    }
    bed.tickAt(400);
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
  cleanUp.push(() => pod.close());
  const bed = await startTimedBed(createTestSource([pod]));
  assert.equal((await bed.caller.call('x', { 'grpc-timeout': '1S' })).headers['grpc-status'], '0');
  assert.deepEqual(given, ['1S', '600000u']);
});
