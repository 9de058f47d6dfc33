import { setTimeout as sleep } from 'node:timers/promises';
import { Caller } from './caller.ts';
import type { LoadResult, OpenLoop } from './load-command.ts';
import { Meter } from './meter.ts';
import { startPace } from './pace.ts';
import { createRandom } from './random.ts';

const TICK_MS = 0.1;
/** More calls under way than this and the rate is one that cannot be borne. */
const MOST_UNDER_WAY = 20_000;

/**
 * Latencies count from when a call was meant to start, so that a stall shows in all the calls it held up. Resolves with a failure
 * when the calls pile up.
 */
export async function openLoop(command: OpenLoop): Promise<LoadResult> {
  const { target, pid, connections, callsPerSecond, warmUpMs, measureMs, seed } = command;
  const meter = new Meter(pid);
  const random = createRandom(seed);
  let closing = false;
  let ready = 0;
  let underWay = 0;
  let next = 0;
  let overloaded = false;
  const callers = Array.from(
    { length: connections },
    (_, index) =>
      new Caller(target, { kind: 'unary', replyBytes: 12 }, seed * connections + index, {
        onReady() {
          ready++;
        },
        onReply(startedAt, now) {
          underWay--;
          meter.reply(now - startedAt);
        },
        onFailure(why) {
          underWay--;
          meter.fail(why);
        },
        onClosed(why) {
          if (!closing) meter.fail(`connection: ${why}`);
        },
      }),
  );
  /** Exponential gaps make it a Poisson process. */
  const gap = (): number => (-Math.log(1 - random()) * 1000) / callsPerSecond;
  let startAt = 0;
  const stop = startPace(TICK_MS, () => {
    if (ready < connections || overloaded) return;
    const now = performance.now();
    if (startAt === 0) startAt = now;
    for (; startAt <= now; startAt += gap()) {
      callers[next++ % connections]?.start(startAt);
      underWay++;
    }
    overloaded = underWay > MOST_UNDER_WAY;
    for (const caller of callers) caller.flush();
  });
  await sleep(warmUpMs);
  meter.begin();
  await sleep(measureMs);
  if (overloaded) meter.fail(`calls pile up at ${Math.round(callsPerSecond)} a second`);
  if (ready < connections) meter.fail(`${connections - ready} connections got no SETTINGS`);
  const result = meter.end();
  closing = true;
  await stop();
  for (const caller of callers) caller.destroy();
  return result;
}
