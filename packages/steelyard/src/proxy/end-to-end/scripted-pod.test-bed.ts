import { once } from 'node:events';
import { concat, createTestSource, FLAG, FRAME, PREFACE, type RawFrame, rawFrame } from '@steelyard/testkit';
import { wholeFrames } from '../abuse/attacker.test-bed.ts';
import { listening } from '../transport/engine.test-bed.ts';
import { type Proxy, startProxy } from '../proxy.ts';
import { cleanUp, silent } from './proxy.test-bed.ts';

const { DATA, HEADERS, SETTINGS } = FRAME;

export interface ScriptedPod {
  readonly port: number;
  /** What it was sent, frame by frame, over all its connections. */
  readonly received: RawFrame[];
  connections: number;
}

/** A pod that speaks in frames: `answer` says what it writes when a request has come to its end. */
export async function startScriptedPod(
  answer: (streamId: number) => Uint8Array,
  settings: readonly number[] = [],
): Promise<ScriptedPod> {
  const pod: { port: number; connections: number; received: RawFrame[] } = { port: 0, connections: 0, received: [] };
  const { server, port } = await listening((socket) => {
    pod.connections++;
    let octets: Uint8Array = new Uint8Array();
    let seen = 0;
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      octets = concat(octets, chunk);
      const frames = wholeFrames(octets.subarray(PREFACE.length));
      for (const frame of frames.slice(seen)) {
        pod.received.push(frame);
        const { type, flags, streamId } = frame;
        if ((type === DATA || type === HEADERS) && (flags & FLAG.END_STREAM) !== 0) socket.write(answer(streamId));
      }
      seen = frames.length;
    });
    socket.write(concat(rawFrame(SETTINGS, 0, 0, settings), rawFrame(SETTINGS, FLAG.ACK, 0)));
  });
  cleanUp.push(() => once(server.close(), 'close'));
  pod.port = port;
  return pod;
}

/** A proxy that has this pod and no other. */
export async function startBefore(pod: ScriptedPod): Promise<Proxy> {
  const proxy = await startProxy({
    snapshots: createTestSource([pod]),
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silent,
  });
  cleanUp.push(() => proxy.close());
  return proxy;
}
