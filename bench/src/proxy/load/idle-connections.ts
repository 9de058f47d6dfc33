import { setTimeout as sleep } from 'node:timers/promises';
import { Caller } from './caller.ts';
import type { IdleConnections, LoadResult } from './load-command.ts';
import { Meter } from './meter.ts';
import { residentKib } from '../../process-usage.ts';

/** Opened at a time: less than any queue of a listener holds. */
const BATCH = 100;
const BATCH_LIMIT_MS = 10_000;
const STEP_MS = 10;
const READ_MS = 100;

/** Resolves with the memory that connections cost; what went wrong is in it. */
export async function idleConnections(command: IdleConnections): Promise<LoadResult> {
  const { target, pid, connections, settleMs, callsPerSecond, measureMs, seed } = command;
  const meter = new Meter(pid);
  let closing = false;
  let opened: () => void = () => undefined;
  let missing = 0;
  const callers: Caller[] = [];
  const settle = (): void => {
    missing--;
    if (missing === 0) opened();
  };
  const open = (): void => {
    const caller: Caller = new Caller(target, { kind: 'unary', replyBytes: 12 }, seed + callers.length, {
      onReady: () => undefined,
      onReply(startedAt, now) {
        meter.reply(now - startedAt);
        settle();
      },
      onFailure(why) {
        meter.fail(why);
        settle();
      },
      onClosed(why) {
        if (!closing) meter.fail(`connection: ${why}`);
      },
    });
    caller.start(performance.now());
    callers.push(caller);
  };

  const beforeKib = residentKib(pid);
  while (callers.length < connections && meter.failures === 0) {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        meter.fail(`${missing} of ${BATCH} new connections are without an answer after ${BATCH_LIMIT_MS / 1000} s`);
        resolve();
      }, BATCH_LIMIT_MS);
      opened = () => {
        clearTimeout(limit);
        resolve();
      };
      const batch = Math.min(BATCH, connections - callers.length);
      missing = batch;
      for (let i = 0; i < batch; i++) open();
    });
  }
  opened = () => undefined;
  await sleep(settleMs);
  const idleKib = residentKib(pid);

  meter.begin();
  let busyKib = idleKib;
  let next = 0;
  let read = 0;
  for (const startedAt = performance.now(); performance.now() - startedAt < measureMs && meter.failures === 0;) {
    await sleep(STEP_MS);
    const now = performance.now();
    const due = ((now - startedAt) * callsPerSecond) / 1000;
    for (; next < due; next++) {
      const caller = callers[next % callers.length];
      caller?.start(now);
      caller?.flush();
    }
    if (now - read < READ_MS) continue;
    read = now;
    busyKib = Math.max(busyKib, residentKib(pid));
  }
  const result = meter.end({ beforeKib, idleKib, busyKib, connections });
  closing = true;
  for (const caller of callers) caller.destroy();
  return result;
}
