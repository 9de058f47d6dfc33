// The consumer of the article: one channel, its target from the environment.
import { createHistogram, performance } from 'node:perf_hooks';
import { createSeededRandom } from '@steelyard/core/balance';
import { register } from '@steelyard/grpc-js';
import { serveParent, tellParent } from './child-side.ts';
import { driveCalls } from './drive-calls.ts';
import { createEchoClient } from './echo-client.ts';
import { isMessage, TARGET_VARIABLE } from './messages.ts';

/** Before counting: connections get opened, code gets compiled. At least so many calls, at most so long. */
const WARM_UP_CALLS = 300;
const WARM_UP_MS = 5000;
const WARM_UP_CONCURRENCY = 10;

serveParent(async (message) => {
  if (!isMessage(message, 'run-calls')) return;
  const target = process.env[TARGET_VARIABLE];
  if (target === undefined) throw new Error(`${TARGET_VARIABLE} is not set`);
  register({ random: createSeededRandom(message.seed) });
  const client = createEchoClient({ ...message, target });
  const now = (): number => performance.now();

  const warmUpEnds = now() + WARM_UP_MS;
  await driveCalls({
    call: client.say,
    calls: Infinity,
    concurrency: WARM_UP_CONCURRENCY,
    now,
    onLatency: () => undefined,
    enough: (tally) =>
      now() > warmUpEnds || (tally.calls >= WARM_UP_CALLS && tally.callsByPod.size >= message.awaitPods),
  });

  // Microseconds: a histogram holds whole numbers from 1.
  const latency = createHistogram();
  const reportEvery = Math.max(1, Math.floor(message.calls / 40));
  const startedAt = now();
  const tally = await driveCalls({
    call: client.say,
    calls: message.calls,
    concurrency: message.concurrency,
    now,
    onLatency: (milliseconds) => latency.record(Math.max(1, Math.round(milliseconds * 1000))),
    onDone: (done) => {
      if (done % reportEvery === 0) tellParent({ kind: 'calls-done', done });
    },
  });
  const elapsedMs = now() - startedAt;
  client.close();
  const quantileMs = (percent: number): number => (latency.count === 0 ? 0 : latency.percentile(percent) / 1000);
  tellParent({
    kind: 'calls-measured',
    tally,
    latency: { medianMs: quantileMs(50), p99Ms: quantileMs(99) },
    elapsedMs,
  });
});
