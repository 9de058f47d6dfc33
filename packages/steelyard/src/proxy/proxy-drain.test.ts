import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { collect, createTestSource } from '@steelyard/testkit';
import { startProxy } from './proxy.ts';
import { silent, startBed } from './proxy.test-bed.ts';

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
    const { proxy, caller } = await startBed(1);
    const stream = caller.open();
    stream.write('x');
    await once(stream, 'data');
    const reply = collect(stream);
    await proxy.drain(20);
    assert.notEqual((await reply).trailers['grpc-status'], '0');
  });

  test('a port in use', async () => {
    const { proxy } = await startBed(1);
    await assert.rejects(
      startProxy({ snapshots: createTestSource([]), listen: proxy.address, namespace: 'default', log: silent }),
      { code: 'EADDRINUSE' },
    );
  });
});
