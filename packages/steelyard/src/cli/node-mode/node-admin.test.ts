import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createTestSource, listenLocal } from '@steelyard/testkit';
import { logThat } from '../../log.test-bed.ts';
import { EMPTY_REPORT } from '../../proxy/metrics/metrics-report.ts';
import { openNodeAdmin } from './node-admin.ts';

test('the admin port waits while another process has it, says so once, and is as ready as it would have been', async (t) => {
  const holder = createServer();
  const port = await listenLocal(holder);
  const warnings: string[] = [];
  let onWarning = (): void => undefined;
  let onOpen = (): void => undefined;
  const log = logThat({
    info: () => onOpen(),
    warn(message) {
      warnings.push(message);
      onWarning();
    },
  });
  const warned = new Promise<void>((resolve) => (onWarning = resolve));
  const opened = new Promise<void>((resolve) => (onOpen = resolve));
  const admin = openNodeAdmin({ host: '127.0.0.1', port }, log, () => undefined, 1);
  // The port is asked for again by a timer that keeps no process alive: this does.
  const alive = setInterval(() => undefined, 60_000);
  t.after(() => {
    clearInterval(alive);
    return admin.close();
  });
  admin.ready({
    snapshot: createTestSource([]).current,
    workers: undefined,
    report: () => Promise.resolve(EMPTY_REPORT),
  });
  await warned;
  holder.close();
  await opened;
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  assert.equal(warnings.length, 1, warnings.join());
  assert.match(warnings[0] ?? '', /EADDRINUSE/);
});
