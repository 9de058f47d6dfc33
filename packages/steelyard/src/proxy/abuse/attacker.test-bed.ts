import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  concat,
  FLAG,
  FRAME,
  literalBlock,
  parseRawFrames,
  PREFACE,
  type RawFrame,
  rawFrame,
} from '@steelyard/testkit';

const { GOAWAY, HEADERS, PING, SETTINGS } = FRAME;
const { ACK, END_HEADERS, END_STREAM } = FLAG;

/** What a call to the pods of the test bed begins with. */
export const REQUEST_FIELDS: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/echo.Echo/Say'],
  [':authority', 'backend:8000'],
  ['content-type', 'application/grpc'],
];
const block = literalBlock(REQUEST_FIELDS);

export function openRequest(id: number, flags: number = END_STREAM): Uint8Array {
  return rawFrame(HEADERS, END_HEADERS | flags, id, block);
}

/** Of the PING that asks whether anybody is still there. */
const MARK = [9, 8, 7, 6, 5, 4, 3, 2];

/** A caller that means harm: a socket that writes frames and keeps what comes back. */
export class Attacker {
  readonly socket: Socket;
  readonly #received: Uint8Array[] = [];

  /** @param greeting what it says first; as callers do, unless told otherwise. */
  constructor(
    port: number,
    greeting: Uint8Array = concat(PREFACE, rawFrame(SETTINGS, 0, 0), rawFrame(SETTINGS, ACK, 0)),
  ) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => this.#received.push(chunk));
    if (greeting.length > 0) this.socket.write(greeting);
  }

  /**
   * Writes pieces, in turns of the event loop, until the other side has had enough; the code of its GOAWAY, undefined if it has
   * borne them all.
   */
  async flood(piece: (turn: number) => Uint8Array, turns: number): Promise<number | undefined> {
    for (let turn = 0; turn < turns && !this.socket.destroyed; turn++) {
      this.socket.write(piece(turn));
      await new Promise(setImmediate);
    }
    return (await this.outlives()) ? undefined : this.end();
  }

  /** Whether the other side still answers a PING, after all that it has got before: else the connection has come to its end. */
  async outlives(): Promise<boolean> {
    const { socket } = this;
    if (socket.writable) socket.write(rawFrame(PING, 0, 0, MARK));
    const isAnswer = ({ type, flags, payload }: RawFrame): boolean =>
      type === PING && flags === ACK && payload.every((octet, i) => octet === MARK[i]);
    while (!socket.closed) {
      if (this.frames().some(isAnswer)) return true;
      await this.#more();
    }
    return false;
  }

  /** Something has come, or the end. */
  #more(): Promise<void> {
    const { socket } = this;
    return new Promise((resolve) => {
      const go = (): void => {
        socket.off('data', go).off('close', go);
        resolve();
      };
      socket.on('data', go).on('close', go);
    });
  }

  /** When the other side has closed the connection: the code of its last GOAWAY. */
  async end(): Promise<number | undefined> {
    if (!this.socket.closed) await once(this.socket, 'close');
    const last = this.#farewell;
    return last && new DataView(last.payload.buffer).getUint32(4);
  }

  /** What the last GOAWAY says for people to read. */
  lastWords(): string {
    return Buffer.from(this.#farewell?.payload.subarray(8) ?? []).toString();
  }

  get #farewell(): RawFrame | undefined {
    return this.frames().findLast(({ type }) => type === GOAWAY);
  }

  /** What has come so far; a frame that is cut off is left out. */
  frames(): RawFrame[] {
    return wholeFrames(concat(...this.#received));
  }

  /** Resolves with the first frame for which `wanted` holds; rejects when the connection ends without. */
  async frame(wanted: (frame: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const found = this.frames().find(wanted);
      if (found !== undefined) return found;
      if (this.socket.closed) throw new Error('the connection has ended, and the frame has not come');
      await this.#more();
    }
  }
}

/** The frames that `bytes` begins with; one that is cut off is left out. */
export function wholeFrames(bytes: Uint8Array): RawFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let whole = 0;
  for (let at = 0; at + 9 <= bytes.length; at = whole) {
    const end = at + 9 + (view.getUint32(at) >>> 8);
    if (end > bytes.length) break;
    whole = end;
  }
  return parseRawFrames(bytes.subarray(0, whole));
}
