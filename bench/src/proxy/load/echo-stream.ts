import { CallWriter } from '../calls/call-writer.ts';
import { KIND, kindAt, lengthAt, MESSAGE_LENGTH, nonceAt, writeMessage } from '../calls/message.ts';
import type { Field } from '../wire/block-reader.ts';
import { DATA, DEFAULT_TABLE_SIZE, DEFAULT_WINDOW, END_STREAM, FRAME_HEADER, writeFrameHeader } from '../wire/frame.ts';
import {
  openConnection,
  type Connection,
  type ConnectionHandler,
  type PeerSettings,
  type Target,
} from './connection.ts';
import type { EchoStream, LoadResult } from './load-command.ts';
import { Meter } from './meter.ts';

const STREAM_ID = 1;
/** A stream that has come to a halt is given up after this. */
const HALT_MS = 5000;

/** The first tenth warms up; the rest is measured, from message to message. */
export async function echoStream({ target, pid, messages, underWay, seed }: EchoStream): Promise<LoadResult> {
  const meter = new Meter(pid);
  const warmUp = Math.floor(messages / 10);
  let result: LoadResult | undefined;
  let progress = 0;
  await new Promise<void>((resolve) => {
    const watch = setInterval(() => {
      if (progress === stream.echoed) stop(`halts after ${progress} of ${messages} messages`);
      progress = stream.echoed;
    }, HALT_MS);
    const stop = (failure: string | undefined): void => {
      clearInterval(watch);
      if (failure !== undefined) meter.fail(failure);
      stream.destroy();
      resolve();
    };
    const stream = new Echo(target, messages, underWay, seed, {
      onMessages(before, after) {
        if (before < warmUp && after >= warmUp) meter.begin();
        else if (before >= warmUp) meter.count(after - before);
        if (after === messages) result = meter.end();
      },
      onEnd: stop,
    });
  });
  return meter.failures > 0 || result === undefined ? meter.end() : result;
}

interface EchoListener {
  /** Messages that had come back before, and that have now. */
  onMessages(before: number, after: number): void;
  /** Once, with what went wrong. */
  onEnd(failure: string | undefined): void;
}

class Echo implements ConnectionHandler {
  echoed = 0;
  readonly #messages: number;
  readonly #underWay: number;
  readonly #seed: number;
  readonly #listener: EchoListener;
  readonly #connection: Connection;
  #sent = 0;
  #opened = false;
  #ended = false;
  #connectionWindow = DEFAULT_WINDOW;
  #streamWindow = 0;
  /** The message that is arriving. */
  readonly #message = Buffer.alloc(MESSAGE_LENGTH);
  #within = 0;

  constructor(target: Target, messages: number, underWay: number, seed: number, listener: EchoListener) {
    this.#messages = messages;
    this.#underWay = underWay;
    this.#seed = seed;
    this.#listener = listener;
    this.#connection = openConnection(target, this);
  }

  destroy(): void {
    this.#ended = true;
    this.#connection.destroy();
  }

  onSettings({ tableSize, streamWindow }: PeerSettings): void {
    const writer = new CallWriter(
      { kind: 'echo', replyBytes: MESSAGE_LENGTH },
      tableSize >= DEFAULT_TABLE_SIZE,
      this.#seed,
    );
    const { out } = this.#connection;
    const at = out.reserve(writer.mostBytes);
    out.shrink(writer.write(out.bytes, at, STREAM_ID));
    this.#streamWindow = streamWindow;
    this.#opened = true;
  }

  onTurn(): void {
    const { out } = this.#connection;
    while (
      this.#opened &&
      this.#sent < this.#messages &&
      this.#sent - this.echoed < this.#underWay &&
      this.#connectionWindow >= MESSAGE_LENGTH &&
      this.#streamWindow >= MESSAGE_LENGTH
    ) {
      const nonce = this.#sent++;
      const at = out.reserve(FRAME_HEADER + MESSAGE_LENGTH);
      const last = this.#sent === this.#messages ? END_STREAM : 0;
      writeFrameHeader(out.bytes, at, MESSAGE_LENGTH, DATA, last, STREAM_ID);
      writeMessage(out.bytes, at + FRAME_HEADER, KIND.echo, 0, nonce);
      this.#connectionWindow -= MESSAGE_LENGTH;
      this.#streamWindow -= MESSAGE_LENGTH;
    }
  }

  onHeaders(_streamId: number, fields: readonly Field[], last: boolean): void {
    if (!last) return;
    const status = fields.find(([name]) => name === 'grpc-status')?.[1];
    if (status !== '0') this.#end(fields.map(([name, value]) => `${name}: ${value}`).join(', '));
    else if (this.echoed !== this.#messages) this.#end(`${this.echoed} of ${this.#messages} messages came back`);
    else this.#end(undefined);
  }

  /** Messages come in DATA frames as the proxy likes to cut them. */
  onData(_streamId: number, bytes: Buffer, start: number, end: number, last: boolean): void {
    const before = this.echoed;
    let at = start;
    while (at < end) {
      if (this.#within === 0 && end - at >= MESSAGE_LENGTH) {
        this.#check(bytes, at);
        at += MESSAGE_LENGTH;
        continue;
      }
      const part = Math.min(MESSAGE_LENGTH - this.#within, end - at);
      bytes.copy(this.#message, this.#within, at, at + part);
      this.#within = (this.#within + part) % MESSAGE_LENGTH;
      at += part;
      if (this.#within === 0) this.#check(this.#message, 0);
    }
    if (this.echoed > before) this.#listener.onMessages(before, this.echoed);
    if (last) this.#end('no trailers');
  }

  onReset(_streamId: number, code: number): void {
    this.#end(`reset with code ${code}`);
  }

  onWindow(streamId: number, increment: number): void {
    if (streamId === 0) this.#connectionWindow += increment;
    else this.#streamWindow += increment;
  }

  onClosed(why: string): void {
    this.#end(`connection: ${why}`);
  }

  #check(bytes: Buffer, at: number): void {
    const right =
      lengthAt(bytes, at) === MESSAGE_LENGTH - 5 &&
      kindAt(bytes, at) === KIND.echo &&
      nonceAt(bytes, at) === this.echoed;
    if (!right) this.#end(`message ${this.echoed} came back as another`);
    this.echoed++;
  }

  #end(failure: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.onEnd(failure);
  }
}
