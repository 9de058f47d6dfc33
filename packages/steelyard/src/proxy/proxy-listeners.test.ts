import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { createTestSource, echo, listenLocal, startPod, TestCaller } from '@steelyard/testkit';
import { silent } from './end-to-end/proxy.test-bed.ts';
import { startListeners } from './proxy-listeners.ts';

const LISTEN = { host: '127.0.0.1', port: 0 };
const BACKEND = { namespace: 'default', name: 'backend', port: 8000 };

for (const workers of [1, 2]) {
  describe(`listeners of Service ports, ${workers} process${workers === 1 ? '' : 'es'}`, () => {
    test('the port that was dialled decides, whatever the authority says', async (t) => {
      const pod = await startPod(echo);
      t.after(() => pod.close());
      const proxy = await startListeners({
        workers,
        snapshots: createTestSource([pod]),
        namespace: 'elsewhere',
        log: silent,
      });
      t.after(() => proxy.close());
      const known = await proxy.open(LISTEN, BACKEND);
      const gone = await proxy.open(LISTEN, { ...BACKEND, name: 'gone' });
      const caller = new TestCaller(known.address.port);
      t.after(() => caller.close());
      for (const authority of ['backend.default:8000', 'gone', '10.0.0.1:1', 'example.com', 'backend.default:9']) {
        assert.equal((await caller.call('x', { ':authority': authority })).trailers['grpc-status'], '0', authority);
      }
      const other = new TestCaller(gone.address.port);
      t.after(() => other.close());
      const reply = await other.call('x', { ':authority': 'backend.default:8000' });
      assert.equal(reply.headers['grpc-status'], '12');
      assert.match(decodeURIComponent(String(reply.headers['grpc-message'])), /Service default\/gone port 8000/);
    });

    test('what is not HTTP/2 is passed on whole to a pod; without a pod it is reset', async (t) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
      const source = createTestSource([{ port: await listenLocal(server) }]);
      t.after(() => server.close());
      const proxy = await startListeners({ workers, snapshots: source, namespace: 'default', log: silent });
      t.after(() => proxy.close());
      const { port } = (await proxy.open(LISTEN, BACKEND)).address;
      for (const words of [['GET / HTTP/1.1\r\n'], ['\u0016\u0003\u0001'], ['P', 'R', 'OPFIND /'], ['PRI *', 'HTTP']]) {
        const socket = connect(port, '127.0.0.1');
        socket.setNoDelay(true);
        for (const word of words) await new Promise((resolve) => socket.write(word, resolve));
        socket.end();
        assert.equal(await text(socket), words.join(''));
      }
      source.setPods([]);
      const refused = connect(port, '127.0.0.1').on('error', () => undefined);
      refused.write('GET / HTTP/1.1\r\n');
      // Not `once`, which takes the error for its own.
      await new Promise((resolve) => refused.on('close', resolve));
    });

    test('a listener that closes keeps its connections; the other listeners go on', async (t) => {
      const pod = await startPod(echo);
      t.after(() => pod.close());
      const proxy = await startListeners({
        workers,
        snapshots: createTestSource([pod]),
        namespace: 'default',
        log: silent,
      });
      t.after(() => proxy.close());
      const [first, second] = [await proxy.open(LISTEN, BACKEND), await proxy.open(LISTEN, BACKEND)];
      const early = new TestCaller(first.address.port);
      t.after(() => early.close());
      assert.equal((await early.call('x')).trailers['grpc-status'], '0');
      first.close();
      const late = new TestCaller(first.address.port);
      t.after(() => late.close());
      const [error] = await once(late.session, 'error');
      assert.equal(error.code, 'ECONNREFUSED');
      assert.equal((await early.call('y')).trailers['grpc-status'], '0');
      const other = new TestCaller(second.address.port);
      t.after(() => other.close());
      assert.equal((await other.call('z')).trailers['grpc-status'], '0');
    });
  });
}
