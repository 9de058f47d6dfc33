import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectThrough, waitingCalls } from '../interop/run-calls.ts';
import { AUTHORITY, startSubject } from '../peers/index.ts';
import { residentBytes } from './resident-bytes.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

const KIB = 1024;
const MIB = 1 << 20;
/** What an idle connection may cost the process, and what the process may take with all of them and calls besides. */
const MOST_EACH = 12 * KIB;
const MOST_IN_ALL = 300 * MIB;
/** Connections that are opened at a time: a backlog is a queue of the kernel, of a size that is not ours to choose. */
const AT_ONCE = 50;
/** With fewer, what the process grows by at the start outweighs them. */
const LEAST_TO_JUDGE = 5000;
const CALLS_PER_SECOND = 1000;
const CALLING_S = 10;
const TICK_MS = 10;
/** Time for the proxy's collector, and for its tick, which lets go of what only traffic needs. */
const SETTLE_MS = 5000;
const LOOKS = 3;

/**
 * Connections that have made a call and are silent since, as callers keep them; then calls on another one beside them.
 */
export async function idleConnections(backendPort: number, options: SuiteOptions): Promise<SuiteResult> {
  // A process of its own: what another has needed for other things and given back would hide what these cost.
  const subject = await startSubject(options.subject, backendPort);
  const { pid } = subject.process;
  const count = options.connections;
  const client = connectThrough(subject.port);
  const sockets: Socket[] = [];
  const failures: string[] = [];
  try {
    await callFor(client, 1);
    const before = residentBytes(pid);
    while (sockets.length < count) {
      const batch = Math.min(AT_ONCE, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: batch }, () => openAndCall(subject.port)))));
    }
    let each = Infinity;
    // What is garbage is the collector's to find, in its own time.
    for (let look = 0; look < LOOKS && each > MOST_EACH; look++) {
      await sleep(SETTLE_MS);
      each = Math.min(each, (residentBytes(pid) - before) / count);
    }
    options.say(`${count} idle connections: ${(each / KIB).toFixed(1)} KiB each`);
    if (each > MOST_EACH && count >= LEAST_TO_JUDGE) {
      failures.push(`memory: an idle connection costs ${(each / KIB).toFixed(1)} KiB, must be at most 12`);
    }
    let peak = 0;
    const sampling = setInterval(() => (peak = Math.max(peak, residentBytes(pid))), 50);
    const calls = await callFor(client, CALLING_S).finally(() => clearInterval(sampling));
    const summary =
      `memory: ${count} idle connections cost ${(each / KIB).toFixed(1)} KiB each; with ` +
      `${Math.round(calls / CALLING_S)} calls/s ${options.subject} takes ${Math.round(peak / MIB)} MiB`;
    if (peak >= MOST_IN_ALL) failures.push(`memory: ${Math.round(peak / MIB)} MiB in all, must stay below 300`);
    const lost = sockets.filter((socket) => socket.closed).length;
    if (lost > 0) failures.push(`memory: ${lost} of the idle connections were closed`);
    return { summary, failures };
  } finally {
    client.close();
    // Without the resets, as many ports of this machine would be taken for a minute.
    for (const socket of sockets) socket.resetAndDestroy();
    await subject.stop();
  }
}

/** Makes calls at a steady rate, however long each takes; returns how many have come back. Rejects when one fails. */
async function callFor(client: ReturnType<typeof connectThrough>, seconds: number): Promise<number> {
  const pending: Promise<unknown>[] = [];
  for (let ticks = (seconds * 1000) / TICK_MS; ticks > 0; ticks--) {
    for (let i = 0; i < (CALLS_PER_SECOND * TICK_MS) / 1000; i++) pending.push(waitingCalls(client));
    await sleep(TICK_MS);
  }
  await Promise.all(pending);
  return pending.length;
}

/** Resolves when a call on a new connection has been answered. */
function openAndCall(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(OPENING));
    socket.once('error', (error) => reject(new Error(`a connection to the proxy failed: ${error.message}`)));
    let tail = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      tail = Buffer.concat([tail, chunk]);
      // The frame that ends stream 1, of whatever it consists.
      for (let at = 0; at + 9 <= tail.length; at += 9 + tail.readUIntBE(at, 3)) {
        if (tail.readUInt32BE(at + 5) !== 1 || (tail.readUInt8(at + 4) & 0x1) === 0) continue;
        socket.removeAllListeners('data').resume();
        resolve(socket);
        return;
      }
    });
  });
}

/** RFC 9113 §3.4, SETTINGS and their acknowledgement, and a call that ends at once, its header in plain literals. */
const OPENING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(0x4, 0, 0, Buffer.alloc(0)),
  frame(0x4, 0x1, 0, Buffer.alloc(0)),
  frame(
    0x1,
    0x5,
    1,
    Buffer.concat(
      [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':path', '/none.None/None'],
        [':authority', AUTHORITY],
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
      ].flatMap((texts) => [Buffer.of(0), ...texts.map(literal)]),
    ),
  ),
]);

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** RFC 7541 §5.2, shorter than 127 octets. */
function literal(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}
