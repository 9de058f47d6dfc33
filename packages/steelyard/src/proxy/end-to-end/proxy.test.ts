import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { chiSquareTest } from '@steelyard/core/balance';
import { collect, echo, type PodBehaviour, TestCaller } from '@steelyard/testkit';
import { cleanUp, startBed } from './proxy.test-bed.ts';

describe('calls through the proxy', () => {
  test('every call is balanced on its own, over one connection', async () => {
    const { pods, caller } = await startBed(3);
    for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 50 }, () => caller.call('hi')));
    const { pValue } = chiSquareTest(
      pods.map((pod) => pod.calls),
      pods.map(() => 1 / 3),
    );
    assert.ok(pValue > 0.001, `${pods.map((pod) => pod.calls).join(' ')} p=${pValue}`);
    assert.equal(
      pods.reduce((sum, pod) => sum + pod.calls, 0),
      600,
    );
    for (const pod of pods) assert.equal(pod.sessions.size, 1, 'one busy connection a pod');
  });

  test('ROUND_ROBIN gives equal shares exactly', async () => {
    const { pods, caller } = await startBed(3, echo, {}, 'ROUND_ROBIN');
    for (let i = 0; i < 30; i++) await caller.call('hi');
    assert.deepEqual(
      pods.map((pod) => pod.calls),
      [10, 10, 10],
    );
  });

  test('bodies, metadata, te and trailers arrive as they were sent', async () => {
    const { caller } = await startBed(2);
    for (const size of [0, 1, 12, 16_384, 65_535, 65_536, 300_000, 3_000_000]) {
      const body = randomBytes(size);
      const meta = randomBytes(size % 4000).toString('base64');
      const reply = await caller.call(body, { 'x-meta': meta, 'grpc-timeout': `${size + 60_000}m` });
      assert.ok(reply.body.equals(body), `${size} octets`);
      assert.ok((reply.headers['x-echo'] ?? '') === meta, `metadata of ${meta.length}`);
      assert.deepEqual(Object.entries(reply.trailers), [
        ['grpc-status', '0'],
        ['x-te', 'trailers'],
      ]);
      assert.equal(reply.resetCode, 0);
    }
  });

  test('many large calls at once, both ways', async () => {
    const { caller } = await startBed(3);
    const bodies = Array.from({ length: 40 }, (_, i) => randomBytes(i * 9001));
    const replies = await Promise.all(bodies.map((body) => caller.call(body)));
    for (const [i, reply] of replies.entries()) assert.ok(reply.body.equals(bodies[i] ?? Buffer.of()), `call ${i}`);
  });

  test('metadata larger than a frame', async () => {
    const { caller } = await startBed(1);
    const meta = randomBytes(20_000).toString('base64');
    const reply = await caller.call('x', { 'x-meta': meta });
    assert.ok(reply.headers['x-echo'] === meta, 'not what was sent');
  });

  test('a server that answers and ends before the caller has ended', async () => {
    const early: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7' }, { endStream: true });
    };
    const { caller } = await startBed(1, early);
    const stream = caller.open();
    stream.write('the first of many');
    const reply = await collect(stream);
    assert.equal(reply.headers['grpc-status'], '7');
    assert.equal(reply.resetCode, constants.NGHTTP2_NO_ERROR);
  });

  test('bidirectional: messages pass while both sides are open', async () => {
    const { caller } = await startBed(1);
    const stream = caller.open();
    for (let i = 0; i < 20; i++) {
      stream.write(`ping ${i}`);
      const [chunk] = await once(stream, 'data');
      assert.equal(String(chunk), `ping ${i}`);
    }
    stream.end();
    assert.equal((await collect(stream)).trailers['grpc-status'], '0');
  });

  test('a caller that cancels: the pod sees it, and never a complete request', async () => {
    let seen: ((how: { readonly code: number | undefined; readonly aborted: boolean }) => void) | undefined;
    const waiting: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.resume();
      stream.on('close', () => seen?.({ code: stream.rstCode, aborted: stream.aborted }));
    };
    const { caller } = await startBed(1, waiting);
    const stream = caller.open();
    const reset = new Promise((resolve) => (seen = resolve));
    stream.write('half a message');
    await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    assert.deepEqual(await reset, { code: constants.NGHTTP2_CANCEL, aborted: true });
  });

  test('a caller that is gone: the pod sees a reset', async () => {
    let seen: (() => void) | undefined;
    const waiting: PodBehaviour = (stream) => {
      stream.respond({ ':status': 200 });
      stream.on('close', () => seen?.());
    };
    const { caller, proxy } = await startBed(1, waiting);
    const other = new TestCaller(proxy.address.port);
    const stream = other.open();
    const gone = new Promise<void>((resolve) => (seen = resolve));
    await once(stream, 'response');
    other.session.destroy();
    await gone;
    assert.equal(caller.session.destroyed, false);
  });

  test('a reader that stalls holds its own sender only', async () => {
    let sent = 0;
    const flood: PodBehaviour = (stream, headers) => {
      if (headers['x-meta'] !== 'flood') {
        echo(stream, headers);
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const chunk = Buffer.alloc(16_384);
      const more = (): void => {
        while (sent < 64 * 1024 * 1024 && !stream.destroyed) {
          sent += chunk.length;
          if (!stream.write(chunk)) break;
        }
      };
      stream.on('drain', more);
      more();
    };
    const { caller, proxy } = await startBed(1, flood);
    // The stalled reader has used up its own connection's window; the others share the pod's connection with it.
    const other = new TestCaller(proxy.address.port);
    cleanUp.push(() => other.close());
    const stalled = caller.open({ 'x-meta': 'flood' });
    stalled.end();
    stalled.pause();
    await once(stalled, 'response');
    for (let i = 0; i < 50; i++) assert.equal((await other.call(randomBytes(10_000))).body.length, 10_000);
    const held = sent;
    assert.ok(held < 4 * 1024 * 1024, `${held} octets have left the pod`);
    stalled.destroy();
    await once(stalled, 'close');
  });
});
