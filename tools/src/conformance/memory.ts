import { readFileSync } from 'node:fs';
import { Metadata, type Client } from '@grpc/grpc-js';
import { connectThrough, waitingCalls } from '../interop/run-calls.ts';
import { messages } from '../interop/pattern.ts';
import { COMMAND, METHODS } from '../interop/service.ts';
import { startSubject } from '../peers/index.ts';
import { startInteropBackend } from './interop.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

const MESSAGE_BYTES = 65_536;
const MIB = 1 << 20;
/** How much the proxy's memory may grow while the stream passes. */
const MOST_GROWTH = 64 * MIB;
const SAMPLE_MS = 50;
/** How long the reader of the download stands still: its sender must be held, not buffered. */
const STALL_MS = 1500;
const WARM_UP_CALLS = 200;

/** One stream each way through the proxy, the second to a reader that pauses; the proxy's memory must stay bounded. */
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
      ['download', download],
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
  } finally {
    client.close();
    await subject.stop();
    await backend.process.stop();
  }
  return { summary: lines.join('\n'), failures };
}

/** Streams `count` messages to the backend, no faster than they are taken; returns how many bytes it got. */
function upload(client: Client, count: number): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = METHODS['client-stream'];
  return new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      command('drain'),
      (error, reply) => {
        if (error !== null || reply === undefined) reject(error ?? new Error('no reply'));
        else resolve(Number(reply.toString()));
      },
    );
    let sent = 0;
    const more = (): void => {
      while (sent < count) {
        const [message] = messages([MESSAGE_BYTES], sent++ * MESSAGE_BYTES);
        if (!call.write(message ?? Buffer.alloc(0))) {
          call.once('drain', more);
          return;
        }
      }
      call.end();
    };
    more();
  });
}

/** Receives `count` messages, after a pause with the stream already open; returns how many bytes came, none of them wrong. */
function download(client: Client, count: number): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = METHODS['server-stream'];
  const request = Buffer.alloc(8);
  request.writeUInt32BE(count, 0);
  request.writeUInt32BE(MESSAGE_BYTES, 4);
  return new Promise((resolve, reject) => {
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, command('pour'));
    let bytes = 0;
    let received = 0;
    let stalled = false;
    call.on('data', (message: Buffer) => {
      const [expected] = messages([MESSAGE_BYTES], received++ * MESSAGE_BYTES);
      if (expected?.equals(message) !== true) {
        call.cancel();
        reject(new Error(`message ${received} of the download came as other bytes`));
        return;
      }
      bytes += message.length;
      if (!stalled && received * 10 > count) {
        stalled = true;
        call.pause();
        setTimeout(() => call.resume(), STALL_MS);
      }
    });
    call.on('error', reject);
    call.on('end', () => resolve(bytes));
  });
}

function command(name: string): Metadata {
  const metadata = new Metadata();
  metadata.set(COMMAND, name);
  return metadata;
}

/** Resident memory of a process (VmRSS of /proc/PID/status, in KiB there). */
function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} is gone`);
  return Number(kib) * 1024;
}
