import type { Client } from '@grpc/grpc-js';
import { connectThrough, waitingCalls } from '../interop/run-calls.ts';
import { startSubject } from '../peers/index.ts';
import { idleConnections } from './idle-connections.ts';
import { startInteropBackend } from './interop.ts';
import { residentBytes } from './resident-bytes.ts';
import { download, MESSAGE_BYTES, upload } from './streams.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

const MIB = 1 << 20;
/** How much the proxy's memory may grow while the stream passes. */
const MOST_GROWTH = 64 * MIB;
const SAMPLE_MS = 50;
/** How long the reader of the download stands still: its sender must be held, not buffered. */
const STALL_MS = 1500;
const WARM_UP_CALLS = 200;

/**
 * One stream each way through the proxy, the second to a reader that pauses, and then thousands of idle connections; the
 * proxy's memory must stay bounded.
 */
export async function memory(options: SuiteOptions): Promise<SuiteResult> {
  const backend = await startInteropBackend();
  const subject = await startSubject(options.subject, backend.port);
  const client = connectThrough(subject.port);
  const count = Math.ceil(options.streamBytes / MESSAGE_BYTES);
  const lines: string[] = [];
  const failures: string[] = [];
  const { pid } = subject.process;
  try {
    for (let call = 0; call < WARM_UP_CALLS; call++) await waitingCalls(client);
    for (const [direction, transfer] of [
      ['upload', upload],
      ['download', (caller: Client, messages: number) => download(caller, messages, STALL_MS)],
    ] as const) {
      const before = residentBytes(pid);
      let peak = before;
      const sampling = setInterval(() => {
        peak = Math.max(peak, residentBytes(pid));
      }, SAMPLE_MS);
      const startedAt = Date.now();
      const bytes = await transfer(client, count).finally(() => clearInterval(sampling));
      const seconds = (Date.now() - startedAt) / 1000;
      const growth = Math.max(peak, residentBytes(pid)) - before;
      const expected = count * MESSAGE_BYTES;
      lines.push(
        `memory: ${direction} of ${Math.round(bytes / MIB)} MiB in ${seconds.toFixed(1)} s, ` +
          `${options.subject} grew by ${(growth / MIB).toFixed(1)} MiB from ${(before / MIB).toFixed(1)} MiB`,
      );
      options.say(lines.at(-1) ?? '');
      if (bytes !== expected) failures.push(`memory: ${direction} of ${expected} bytes arrived as ${bytes}`);
      if (growth >= MOST_GROWTH) {
        failures.push(`memory: grew by ${Math.round(growth / MIB)} MiB in the ${direction}, must stay below 64`);
      }
    }
    client.close();
    await subject.stop();
    const idle = await idleConnections(backend.port, options);
    lines.push(idle.summary);
    failures.push(...idle.failures);
  } finally {
    client.close();
    await subject.stop();
    await backend.process.stop();
  }
  return { summary: lines.join('\n'), failures };
}
