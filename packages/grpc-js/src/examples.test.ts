import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Server } from '@grpc/grpc-js';
import { ScriptedDns } from './headless/scripted-dns.test-bed.ts';
import { startDemoServer } from './test-pods.test-bed.ts';

const folder = resolve(import.meta.dirname, '..', '..', '..', 'examples', 'grpc-js');

suite('examples/grpc-js: clients of every making', () => {
  const dns = new ScriptedDns();
  const servers: Server[] = [];
  const hosts = ['127.0.4.1', '127.0.4.2', '127.0.4.3'];
  let port = 0;

  before(async () => {
    for (const [index, host] of hosts.entries()) {
      const started = await startDemoServer(`pod-${index}`, `${host}:${port}`);
      servers.push(started.server);
      ({ port } = started);
    }
    await dns.start();
    dns.names.set('backendh.test', { addresses: hosts, ttl: 5 });
  });
  after(async () => {
    for (const server of servers) server.forceShutdown();
    await dns.stop();
  });

  const programs = ['proto-loader.mjs', 'ts-proto.mjs', 'nice-grpc.mjs'];
  for (const program of programs) {
    test(program, async () => {
      // The variable may hold a whole target: here the DNS server is one of ours.
      const BACKEND_ADDR = `headless://${dns.address}/backendh.test:${port}`;
      const env = { ...process.env, BACKEND_ADDR, NODE_TEST_CONTEXT: '' };
      const printed = await new Promise<string>((done, reject) => {
        execFile(process.execPath, [join(folder, program)], { env, timeout: 30_000 }, (error, stdout, stderr) => {
          if (error === null) done(stdout);
          else reject(new Error(`${error.message.slice(0, 200)} ${stderr.slice(0, 500)}`));
        });
      });
      const lines = printed.trim().split('\n');
      const names = lines[0]?.replace('answered by ', '').split(', ').toSorted();
      assert.deepEqual(names, ['pod-0', 'pod-1', 'pod-2']);
      // The first call goes when the first connection is there; from then on each has its turn.
      for (const host of hosts) {
        const share = lines.find((line) => line.startsWith(`${host}:${port}: `));
        assert.match(share ?? 'nothing', /: (?:2[5-9]|3\d|4[0-5]) %$/);
      }
    });
  }

  test('every program is run', () => {
    const there = readdirSync(folder).filter((file) => file.endsWith('.mjs') && !file.includes('definitions'));
    assert.deepEqual(there.toSorted(), programs.toSorted());
  });
});
