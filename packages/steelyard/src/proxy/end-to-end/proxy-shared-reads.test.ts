import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { sensitiveHeaders } from 'node:http2';
import { describe, test } from 'node:test';
import { collect, type PodBehaviour } from '@steelyard/testkit';
import { says, startScript, until, withRetries } from './retries/scripted-pods.test-bed.ts';

/** Longer than any header here: what is read next stands where that stood. */
const padding = (): string => randomBytes(600).toString('hex');

/** What is sensitive enters no table (RFC 7541 §6.2.3), so nobody has a copy of it. */
const unshared = (value: string): { readonly 'x-once': string; readonly [sensitiveHeaders]: string[] } => ({
  'x-once': value,
  [sensitiveHeaders]: ['x-once'],
});

describe('all sockets read into the same memory', () => {
  test('a header of a response that waits for its status is not overwritten by the next read', async () => {
    const once = padding();
    const slow: PodBehaviour = (stream) => {
      const head = { ':status': 200, 'content-type': 'application/grpc', ...unshared(once) };
      stream.respond(head, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-more': padding() }));
      // Its answer says that the proxy has read the header.
      stream.session?.ping(() => stream.end());
    };
    const { caller } = await startScript(1, [slow], withRetries({ attempts: 1, retryOn: 'unavailable' }));
    const { headers, trailers } = await caller.call('x');
    assert.equal(headers['x-once'], once);
    assert.equal(trailers['grpc-status'], '0');
  });

  test('a request that is made again is what it was, whatever has been read since', async () => {
    const once = padding();
    const { caller, arrivals } = await startScript(
      2,
      [says('UNAVAILABLE')],
      withRetries({ attempts: 1, retryOn: 'unavailable', backoff: '50ms' }),
    );
    const body = Buffer.from(padding());
    const stream = caller.open(unshared(once));
    const reply = collect(stream);
    stream.end(body);
    await until(() => arrivals[0]?.stream.closed === true);
    for (let i = 0; i < 3; i++) await caller.call(padding(), { 'x-other': padding() });
    assert.deepEqual((await reply).body, body);
    assert.deepEqual(
      arrivals.map(({ headers }) => headers['x-once']).filter((value) => value !== undefined),
      [once, once],
    );
  });
});
