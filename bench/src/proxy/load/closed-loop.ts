import { setTimeout as sleep } from 'node:timers/promises';
import { Caller } from './caller.ts';
import type { ClosedLoop, LoadResult } from './load-command.ts';
import { Meter } from './meter.ts';

/** Resolves with what was measured; failed calls are in it. */
export async function closedLoop(command: ClosedLoop): Promise<LoadResult> {
  const { target, pid, connections, underWay, call, warmUpMs, measureMs, seed } = command;
  const meter = new Meter(pid);
  const wander = underWay < connections;
  let closing = false;
  let next = 0;
  const callers: Caller[] = [];
  /** A call on the connection whose turn it is. */
  const startSomewhere = (now: number): void => {
    const caller = callers[next++ % callers.length];
    caller?.start(now);
    caller?.flush();
  };
  for (let index = 0; index < connections; index++) {
    const caller: Caller = new Caller(target, call, seed * connections + index, {
      onReady: () => undefined,
      onReply(startedAt, now) {
        meter.reply(now - startedAt);
        if (wander) startSomewhere(now);
        // Written with the others of this read.
        else caller.start(now);
      },
      onFailure(why) {
        meter.fail(why);
      },
      onClosed(why) {
        if (!closing) meter.fail(`connection: ${why}`);
      },
    });
    callers.push(caller);
  }
  const startedAt = performance.now();
  for (let index = 0; index < underWay; index++) callers[index % connections]?.start(startedAt);
  next = underWay;
  await sleep(warmUpMs);
  meter.begin();
  await sleep(measureMs);
  const result = meter.end();
  closing = true;
  for (const caller of callers) caller.destroy();
  return result;
}
