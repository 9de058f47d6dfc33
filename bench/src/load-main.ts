/**
 * The callers of the benchmark, a process of its own so that their work is not counted.
 * Usage: load-main.js PORT CONNECTIONS STREAMS WARM_UP_MS MEASURE_MS SEED SUBJECT_PID
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openCaller } from './caller-connection.ts';
import { cpuNanoseconds } from './cpu-time.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { LoadResult } from './load-result.ts';

const [port = 0, connections = 1, streams = 1, warmUpMs = 0, measureMs = 1000, seed = 1, pid = 0] = process.argv
  .slice(2)
  .map(Number);

const latencies = new LatencyHistogram();
let calls = 0;
let failures = 0;
let firstFailure: string | undefined;
let closing = false;

const sockets = Array.from({ length: connections }, (_, index) =>
  openCaller(port, streams, seed + index, {
    onReply(latencyMs) {
      calls++;
      latencies.record(latencyMs);
    },
    onFailure(why) {
      failures++;
      firstFailure ??= why;
    },
    onClosed(why) {
      if (closing) return;
      failures++;
      firstFailure ??= `connection: ${why}`;
    },
  }),
);

await sleep(warmUpMs);
calls = 0;
latencies.clear();
const startedAt = performance.now();
const cpuBefore = cpuNanoseconds(pid);
await sleep(measureMs);
const result: LoadResult = {
  calls,
  failures,
  ...(firstFailure === undefined ? {} : { firstFailure }),
  elapsedMs: performance.now() - startedAt,
  cpuMicros: (cpuNanoseconds(pid) - cpuBefore) / 1000,
  p50Ms: latencies.quantile(0.5),
  p99Ms: latencies.quantile(0.99),
};
closing = true;
for (const socket of sockets) socket.destroy();
process.stdout.write(`${JSON.stringify(result)}\n`);
