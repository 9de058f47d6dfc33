import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import {
  concat,
  FLAG,
  FRAME,
  literalBlock,
  parseRawFrames,
  PREFACE,
  rawFrame,
  setting,
  uint32,
} from '@steelyard/testkit';
import { startBed } from './proxy.test-bed.ts';

const { GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;
const ENHANCE_YOUR_CALM = 11;

const request = literalBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/echo.Echo/Say'],
  [':authority', 'backend:8000'],
  ['content-type', 'application/grpc'],
]);

function open(id: number): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS | END_STREAM, id, request);
}

/** A caller that means harm: a socket that writes frames and keeps what comes back. */
class Attacker {
  readonly socket: Socket;
  readonly #received: Uint8Array[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => this.#received.push(chunk));
    this.socket.write(concat(PREFACE, rawFrame(SETTINGS, 0, 0), rawFrame(SETTINGS, FLAG.ACK, 0)));
  }

  /** Writes pieces, in turns of the event loop, until the other side has had enough; the code of its GOAWAY. */
  async flood(piece: (turn: number) => Uint8Array, turns: number): Promise<number | undefined> {
    const closed = once(this.socket, 'close');
    for (let turn = 0; turn < turns && !this.socket.destroyed; turn++) {
      this.socket.write(piece(turn));
      await new Promise(setImmediate);
    }
    await closed;
    const frames = parseRawFrames(concat(...this.#received));
    const last = frames.findLast(({ type }) => type === GOAWAY);
    return last && new DataView(last.payload.buffer).getUint32(4);
  }
}

const floods: readonly (readonly [name: string, piece: (turn: number) => Uint8Array])[] = [
  [
    'rapid reset',
    (turn) =>
      concat(
        ...Array.from({ length: 20 }, (_, i) => {
          const id = (turn * 20 + i) * 2 + 1;
          return concat(open(id), rawFrame(RST_STREAM, 0, id, uint32(8)));
        }),
      ),
  ],
  [
    'MadeYouReset',
    (turn) =>
      concat(
        ...Array.from({ length: 20 }, (_, i) => {
          const id = (turn * 20 + i) * 2 + 1;
          return concat(open(id), rawFrame(WINDOW_UPDATE, 0, id, uint32(0)));
        }),
      ),
  ],
  ['SETTINGS', () => concat(...Array.from({ length: 50 }, () => rawFrame(SETTINGS, 0, 0, setting(4, 65_535))))],
  ['PING', () => rawFrame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])],
];

describe('a flood ends its own connection and nothing else', () => {
  for (const [name, piece] of floods) {
    test(name, async () => {
      const { proxy, caller, pods } = await startBed(1);
      await caller.call('warm');
      const memoryBefore = process.memoryUsage().rss;
      const attacker = new Attacker(proxy.address.port);
      let over = false;
      const flooded = attacker.flood(piece, 5000).finally(() => (over = true));
      let calls = 0;
      for (; !over || calls < 20; calls++) assert.equal((await caller.call('x')).trailers['grpc-status'], '0');
      assert.equal(await flooded, ENHANCE_YOUR_CALM);
      if (name === 'rapid reset') assert.equal(pods[0]?.calls, calls + 1, 'no request of the flood reached the pod');
      const grown = process.memoryUsage().rss - memoryBefore;
      assert.ok(grown < 128 * 1024 * 1024, `memory grew by ${grown} octets`);
    });
  }
});
