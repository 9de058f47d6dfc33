import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createTestSource, startPod, TestCaller, type PodBehaviour } from '@steelyard/testkit';
import type { AccessLogSelection } from './access-log.ts';
import { createDescriptorSink, openFileSink } from './access-log-sink.ts';
import { logThat } from '../../log.test-bed.ts';
import { cleanUp, silent } from '../end-to-end/proxy.test-bed.ts';
import { startProxy } from '../proxy.ts';

/** Ends with the status in `x-meta`, after the body of three octets. */
const asAsked: PodBehaviour = (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(headers['x-meta']) }));
  stream.resume();
  stream.end('abc');
};

/** What is logged of calls that end with these statuses. */
async function logOf(
  selection: AccessLogSelection,
  statuses: readonly string[],
  { workers = 1, headers = {} } = {},
): Promise<Record<string, unknown>[]> {
  const pod = await startPod(asAsked);
  let text = '';
  let draws = 0;
  const proxy = await startProxy({
    snapshots: createTestSource([pod]),
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
    workers,
    // 0, 0.1, …, 0.9, 0, …
    random: () => (draws++ % 10) / 10,
    accessLog: { selection, sink: { write: (lines) => (text += lines), dropped: 0, close: async () => undefined } },
  });
  const caller = new TestCaller(proxy.address.port);
  cleanUp.push(
    () => pod.close(),
    () => proxy.close(),
    () => caller.close(),
  );
  for (const status of statuses) await caller.call('four', { 'x-meta': status, ...headers });
  await caller.close();
  await proxy.close();
  assert.match(text, /^(\{.*\}\n)*$/);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const statusOf = (line: Record<string, unknown>): unknown => line['status'];

describe('access log', () => {
  test('a line says all that is known of a call', async () => {
    const headers = { 'user-agent': 'tester/1', 'x-request-id': 'r-1', traceparent: '00-ab-cd-01', cookie: 'secret' };
    const [line = {}, ...rest] = await logOf({ kind: 'all' }, ['5'], { headers });
    assert.equal(rest.length, 0);
    const { time, durationMs, peer, endpoint, ...fixed } = line;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.match(String(peer), /^127\.0\.0\.1:\d+$/);
    assert.match(String(endpoint), /^127\.0\.0\.1:\d+$/);
    assert.ok(typeof durationMs === 'number' && durationMs > 0 && durationMs < 10_000);
    assert.deepEqual(fixed, {
      path: '/echo.Echo/Say',
      authority: 'backend:8000',
      status: 'NOT_FOUND',
      cluster: 'outbound|8000||backend.default.svc.cluster.local',
      attempts: 1,
      requestBytes: 4,
      responseBytes: 3,
      userAgent: 'tester/1',
      requestId: 'r-1',
      traceparent: '00-ab-cd-01',
    });
  });

  test('a call that the proxy itself refuses says why', async () => {
    const [line = {}] = await logOf({ kind: 'errors' }, ['0'], { headers: { ':authority': 'nobody:1' } });
    assert.equal(line['status'], 'UNIMPLEMENTED');
    assert.match(String(line['detail']), /nobody/);
    assert.equal('endpoint' in line, false);
    assert.equal(line['attempts'], 0);
  });

  test('errors: those that are not OK', async () => {
    const lines = await logOf({ kind: 'errors' }, ['0', '5', '0', '14']);
    assert.deepEqual(lines.map(statusOf), ['NOT_FOUND', 'UNAVAILABLE']);
  });

  test('a sample: the share that was asked for', async () => {
    const statuses = Array.from({ length: 30 }, () => '0');
    const lines = await logOf({ kind: 'sample', share: 0.3 }, statuses);
    assert.ok(lines.length >= 5 && lines.length <= 15, `${lines.length}`);
    assert.equal((await logOf({ kind: 'sample', share: 0 }, statuses)).length, 0);
    assert.equal((await logOf({ kind: 'sample', share: 1 }, statuses)).length, 30);
  });

  test('of several processes there is one', async () => {
    const lines = await logOf({ kind: 'all' }, ['0', '5'], { workers: 2 });
    assert.deepEqual(lines.map(statusOf), ['OK', 'NOT_FOUND']);
  });
});

test('a descriptor that takes nothing any more: lines are counted, and the end does not wait for it', async (t) => {
  const full = await open('/dev/full', 'w');
  t.after(() => full.close());
  const errors: string[] = [];
  const sink = createDescriptorSink(full.fd, logThat({ error: (message) => errors.push(message) }));
  sink.write('{"a":1}\n{"a":2}\n');
  while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sink.dropped, 2, 'those that were under way');
  sink.write('{"a":3}\n');
  assert.equal(sink.dropped, 3);
  await sink.close();
  assert.match(errors.join('|'), /^the access log cannot be written: ENOSPC[^|]*$/);
});

describe('the file of the access log', () => {
  async function folder(t: TestContext): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'steelyard-'));
    t.after(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  test('is appended to, and made anew when it has been moved away', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const path = join(await folder(t), 'access.log');
    const sink = await openFileSink(path, silent);
    sink.write('{"a":1}\n');
    while ((await readFile(path, 'utf8')) === '');
    await rename(path, `${path}.1`);
    t.mock.timers.tick(5000);
    // The look is under way; when it is done the file is there again.
    while ((await readFile(path, 'utf8').catch(() => undefined)) === undefined);
    while ((await readFile(path, 'utf8')) === '') {
      sink.write('{"b":2}\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await sink.close();
    assert.match(await readFile(`${path}.1`, 'utf8'), /^\{"a":1\}\n(\{"b":2\}\n)*$/);
    assert.match(await readFile(path, 'utf8'), /^(\{"b":2\}\n)+$/);
    const again = await openFileSink(path, silent);
    again.write('{"c":3}\n');
    await again.close();
    assert.match(await readFile(path, 'utf8'), /\{"b":2\}\n\{"c":3\}\n$/);
    assert.equal(again.dropped, 0);
  });

  test('that cannot be written is refused at once', async (t) => {
    await assert.rejects(openFileSink(join(await folder(t), 'none', 'access.log'), silent), { code: 'ENOENT' });
  });

  test('that does not keep up loses lines, and counts them', async (t) => {
    const sink = await openFileSink(join(await folder(t), 'access.log'), silent);
    const lines = `${'x'.repeat(1_000_000)}\n`.repeat(9);
    for (let i = 0; i < 3; i++) sink.write(lines);
    assert.equal(sink.dropped, 9);
    await sink.close();
  });
});
