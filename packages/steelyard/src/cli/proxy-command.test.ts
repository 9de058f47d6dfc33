// The proxy as its operators run it: admin port, worker processes, access log, drain; and what it refuses.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EXAMPLE, folderWith, runCli, startCli } from './cli.test-bed.ts';

test('admin port, two processes, access log, and the end by POST /drain', async (t) => {
  const folder = await folderWith(t, {});
  const log = join(folder, 'access.log');
  const which = `proxy -f ${EXAMPLE} --listen 127.0.0.1:0 --admin 127.0.0.1:0 --workers 2 --access-log errors`;
  const proxy = startCli(t, [...which.split(' '), '--access-log-file', log]);
  const text = await proxy.said(/listens on/);
  const admin = `http://${/the admin port is (\S+)/.exec(text)?.[1]}`;
  const get = async (path: string): Promise<string> => (await fetch(admin + path)).text();

  const session = connect(`http://${/listens on (\S+):/.exec(text)?.[1]}`);
  t.after(() => session.destroy());
  const status = await new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/a.B/C',
      ':authority': 'nobody:1',
      'content-type': 'application/grpc',
    });
    stream.on('response', (headers) => resolve(headers['grpc-status']));
    stream.end();
  });
  assert.equal(status, '12');

  assert.equal(await get('/livez'), 'ok\n');
  assert.equal(await get('/readyz'), 'ok\n');
  const metrics = await get('/metrics');
  assert.match(
    metrics,
    /^grpc_server_call_duration_seconds_count\{grpc_method="a\.B\/C",grpc_status="UNIMPLEMENTED"\} 1$/m,
  );
  assert.match(metrics, /^steelyard_workers 2$/m);
  assert.match(metrics, /^steelyard_connections\{side="downstream"\} 1$/m);
  assert.match(await get('/clusters'), /"endpoint":"10\.80\.128\.247:8000"/);
  assert.match(await get('/config'), /"default\/backend":\{"service":/);
  assert.equal((await fetch(`${admin}/drain`, { method: 'POST' })).status, 202);
  assert.equal((await proxy.ended).code, 0);
  const [line = ''] = (await readFile(log, 'utf8')).split('\n');
  assert.match(line, /^\{"time":.*"path":"\/a\.B\/C".*"status":"UNIMPLEMENTED".*\}$/);
});

describe('refused', () => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    ['no worker', ['--workers', '0'], /--workers.*whole number from 1/],
    ['an access log nowhere said which', ['--access-log-file', 'x'], /--access-log-file: say which calls/],
    ['an access log of a share above 1', ['--access-log', 'sample:2'], /--access-log.*sample:0\.01/],
    [
      'an access log in no folder',
      ['--access-log', 'all', '--access-log-file', 'no/such/log'],
      /^error: --access-log-file: cannot write no\/such\/log: no such file or folder \(ENOENT\)$/m,
    ],
    [
      'an access log that is a folder',
      ['--access-log', 'all', '--access-log-file', '.'],
      /^error: --access-log-file: cannot write \.: it is a folder \(EISDIR\)$/m,
    ],
    ['a drain longer than timers wait', ['--drain-timeout', '600h'], /--drain-timeout.*Give at most 576h\./],
    ['a delay longer than timers wait', ['--drain-delay', '2147483648ms'], /--drain-delay.*Give at most 576h\./],
    ['a certificate without a key', ['--tls-cert', 'x'], /--tls-cert, --tls-key: 1 certificates and 0 keys/],
    [
      'certificates that are not there',
      ['--tls-cert', 'no.crt', '--tls-key', 'no.key'],
      /no\.(crt|key) cannot be read/,
    ],
    ['client certificates without TLS', ['--tls-client-ca', 'x'], /--tls-client-ca: client certificates need TLS/],
    ['client certificates of nobody', ['--tls-client-auth', 'required'], /--tls-client-auth: say with --tls-client-ca/],
    ['TLS to pods of no name', ['--upstream-tls-ca', 'x'], /--upstream-tls-name/],
    ['TLS to pods of no authority', ['--upstream-tls-name', 'x'], /--upstream-tls-ca/],
    [
      'an authority that is not there',
      ['--upstream-tls-ca', 'no.crt', '--upstream-tls-name', 'x'],
      /no\.crt cannot be read/,
    ],
    ['an admin address that is none', ['--admin', '9000'], /--admin.*HOST:PORT/],
  ];
  for (const [what, args, message] of cases) {
    test(what, async () => {
      const { code, stderr } = await runCli(['proxy', '-f', EXAMPLE, '--listen', '127.0.0.1:0', ...args]);
      assert.match(stderr, message);
      assert.equal(code, 2);
      assert.equal(stderr.trimEnd().split('\n').length, 1, 'one line');
    });
  }
});
