import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { PodBehaviour, TestCaller } from '@steelyard/testkit';
import { freePort, listenLocal } from '@steelyard/testkit';
import { cleanUp, startBed } from './proxy.test-bed.ts';

describe('failures become gRPC statuses', () => {
  function statusOf(reply: Awaited<ReturnType<TestCaller['call']>>): string {
    const fields = reply.headers['grpc-status'] === undefined ? reply.trailers : reply.headers;
    return `${String(fields['grpc-status'])} ${decodeURIComponent(String(fields['grpc-message']))}`;
  }

  test('no endpoint', async () => {
    const { caller } = await startBed(0);
    assert.match(statusOf(await caller.call('x')), /^14 steelyard: .*no endpoint/);
  });

  test('no endpoint, for a thousand calls and more: their caller keeps its connection', async () => {
    const { caller } = await startBed(0);
    let leaving = 0;
    caller.session.on('goaway', () => leaving++);
    for (let round = 0; round < 20; round++) {
      const replies = await Promise.all(Array.from({ length: 100 }, () => caller.call('x')));
      for (const reply of replies) assert.match(statusOf(reply), /^14 /);
    }
    assert.equal(leaving, 0);
    assert.equal(caller.session.destroyed, false);
  });

  test('connection refused', async () => {
    const { caller, source } = await startBed(1);
    const port = await freePort();
    source.setPods([{ port }]);
    assert.match(statusOf(await caller.call('x')), new RegExp(`^14 steelyard: .*127.0.0.1:${port}.*ECONNREFUSED`));
  });

  test('a pod that is killed in the middle: before and after its header', async () => {
    const half: PodBehaviour = (stream, headers) => {
      if (headers['x-meta'] === 'late') stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      setImmediate(() => stream.session?.destroy());
    };
    const { caller } = await startBed(1, half);
    const early = await caller.call('x');
    assert.equal(early.headers[':status'], 200);
    assert.match(statusOf(early), /^14 steelyard: the connection to 127\.0\.0\.1:\d+ was lost/);
    const late = await caller.call('x', { 'x-meta': 'late' });
    assert.match(statusOf(late), /^14 steelyard: the connection to /);
  });

  const codes: readonly (readonly [code: number, status: number])[] = [
    [constants.NGHTTP2_REFUSED_STREAM, 14],
    [constants.NGHTTP2_CANCEL, 1],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
    [constants.NGHTTP2_INADEQUATE_SECURITY, 7],
    [constants.NGHTTP2_INTERNAL_ERROR, 13],
    [constants.NGHTTP2_PROTOCOL_ERROR, 13],
  ];

  test("a pod's RST_STREAM, by gRPC's table", async () => {
    const resets: PodBehaviour = (stream, headers) => stream.close(Number(headers['x-meta']));
    const { caller } = await startBed(1, resets);
    for (const [code, status] of codes) {
      assert.match(
        statusOf(await caller.call('x', { 'x-meta': String(code) })),
        new RegExp(`^${status} steelyard: 127`),
      );
    }
  });

  test('a pod that is no HTTP/2 server', async () => {
    const { caller, source } = await startBed(1);
    const plain = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    source.setPods([{ port: await listenLocal(plain) }]);
    cleanUp.push(() => once(plain.close(), 'close'));
    const told =
      /^14 steelyard: the connection to .* was lost: the pod does not speak HTTP\/2 \(it answered in HTTP\/1\.1\)/;
    assert.match(statusOf(await caller.call('x')), told);
  });

  test('a caller that does not speak gRPC gets an HTTP status and a sentence', async () => {
    const { caller } = await startBed(0);
    const reply = await caller.call('', { 'content-type': 'text/html' });
    assert.equal(reply.headers[':status'], 503);
    assert.match(reply.body.toString(), /^steelyard: .*no endpoint/);
  });

  test('metadata beyond the limit', async () => {
    const { caller } = await startBed(1);
    const reply = await caller.call('x', { 'x-meta': 'm'.repeat(70_000) });
    assert.match(statusOf(reply), /^8 steelyard: /);
  });
});
