import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { text as readAll } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEchoServer } from './echo-server.ts';
import { isMessage } from './messages.ts';

test('a pod whose port is taken tells its parent, and nobody else', { timeout: 60_000 }, async (t) => {
  const listen = { host: '127.0.0.1', port: 0 };
  const holder = await startEchoServer({ pod: 'holder', address: 'holder', listen });
  t.after(() => holder.close());
  const { GRPC_VERBOSITY: _asked, ...env } = process.env;
  const child = fork(fileURLToPath(new URL('./backend-main.js', import.meta.url)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env,
  });
  t.after(() => child.kill('SIGKILL'));
  assert.ok(child.stderr !== null);
  const said = readAll(child.stderr);
  child.send({ kind: 'start-backend', pod: 'late', address: 'late', listen: holder.address });
  const [message]: unknown[] = await once(child, 'message');
  assert.ok(isMessage(message, 'failed'));
  assert.equal(message.code, 'EADDRINUSE');
  child.disconnect();
  assert.equal(await said, '');
});
