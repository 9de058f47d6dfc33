import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordingLog } from '../log.test-bed.ts';
import { formatAddress } from '../net-address.ts';
import { folderWith } from './cli.test-bed.ts';
import { resolveUpstreams } from './resolve-upstreams.ts';

const LISTEN = { host: '127.0.0.1', port: 53 };

test('addresses with and without port, files, each once, and never ourselves', async (t) => {
  const folder = await folderWith(t, { 'resolv.conf': 'nameserver 10.0.0.9\nnameserver 127.0.0.1\n' });
  const lines: string[] = [];
  const given = ['10.0.0.2', '10.0.0.3:5353', '[fd00::2]:54', 'fd00::3', '10.0.0.2:53', join(folder, 'resolv.conf')];
  const found = await resolveUpstreams(given, LISTEN, recordingLog(lines));
  assert.deepEqual(found.map(formatAddress), [
    '10.0.0.2:53',
    '10.0.0.3:5353',
    '[fd00::2]:54',
    '[fd00::3]:53',
    '10.0.0.9:53',
  ]);
  assert.deepEqual(lines, ['127.0.0.1:53 is this server itself: it is not asked']);
  assert.deepEqual(await resolveUpstreams(['off'], LISTEN, recordingLog([])), []);
});

test('what is no upstream is said so', async (t) => {
  const folder = await folderWith(t, { empty: '# nothing\n' });
  for (const [given, message] of [
    [['off', '10.0.0.2'], /--forward off goes with no other --forward/],
    [['10.0.0.2:0'], /--forward 10\.0\.0\.2:0: there is no port 0/],
    [['10.0.0.2:70000'], /there is no port 70000/],
    [['dns.example'], /--forward dns\.example: it is neither an address nor a file/],
    [[join(folder, 'empty')], /the file names no nameserver/],
  ] as const) {
    await assert.rejects(resolveUpstreams(given, LISTEN, recordingLog([])), { name: 'UsageError', message });
  }
});
