import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { collect, createTestSource, echo } from '@steelyard/testkit';
import { startProxy } from '../proxy.ts';
import { silent as noLog, startBed } from './proxy.test-bed.ts';

describe('the end', () => {
  test('drain: calls under way finish, new connections are refused', async () => {
    const { proxy, caller } = await startBed(1);
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    const drained = proxy.drain(10_000);
    await once(caller.session, 'goaway');
    stream.end('y');
    assert.equal((await collect(stream)).trailers['grpc-status'], '0');
    await drained;
    const socket = connect(proxy.address.port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
  });

  test('drain ends what takes too long', async () => {
    const { proxy, caller, pods } = await startBed(1, (stream, headers) => {
      if (headers['x-meta'] !== 'silent') echo(stream, headers);
    });
    const resets = pods.map(({ server }) => once(server, 'stream').then(([stream]) => once(stream, 'close')));
    const begun = caller.open();
    begun.write('x');
    await once(begun, 'data');
    const silent = caller.open({ 'x-meta': 'silent' });
    silent.end('x');
    const plain = caller.open({ 'x-meta': 'silent', 'content-type': 'text/plain' });
    plain.end('x');
    const replies = [begun, silent, plain].map(collect);
    // Its answer tells that the others have arrived.
    await caller.call('x');
    await proxy.drain(20);
    const [late, early, web] = await Promise.all(replies);
    const why = 'steelyard: the proxy is shutting down, and the time for calls to finish is over';
    assert.deepEqual([late?.trailers['grpc-status'], late?.trailers['grpc-message']], ['14', why]);
    assert.deepEqual([early?.headers['grpc-status'], early?.headers['grpc-message']], ['14', why]);
    assert.deepEqual([web?.headers[':status'], web?.body.toString()], [503, `${why}\n`]);
    await Promise.all(resets);
  });

  test('a port in use', async () => {
    const { proxy } = await startBed(1);
    await assert.rejects(
      startProxy({ snapshots: createTestSource([]), listen: proxy.address, namespace: 'default', log: noLog }),
      { code: 'EADDRINUSE' },
    );
  });
});
