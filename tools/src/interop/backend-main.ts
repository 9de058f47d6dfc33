/** The backend of the interop suite, a process of its own. Usage: backend-main.js PORT */
import {
  Metadata,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { CallPlan } from './call-plan.ts';
import { createMessageHash, messages } from './pattern.ts';
import { parseCallPlan } from './parse-call-plan.ts';
import { BYTES, COMMAND, PLAN, RECEIVED_COUNT, RECEIVED_HASH, SERVICE, TEXT } from './service.ts';

/** Calls that were told to wait and whose cancellation has not come yet. */
let waiting = 0;

/** What calls of every kind have in common. */
interface AnyCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  sendMetadata(metadata: Metadata): void;
  once(event: 'cancelled', listener: () => void): unknown;
}
type WritingCall = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;
type Failure = { readonly code: number; readonly details: string; readonly metadata: Metadata };

/** How a kind of call sends its replies and its end. */
interface Ending {
  reply(replies: readonly Buffer[], trailers: Metadata): void;
  fail(replies: readonly Buffer[], failure: Failure): void;
}

/** What every kind of call does: take the metadata, hash what arrives, answer as planned. */
class PlannedCall {
  readonly plan: CallPlan;
  readonly #call: AnyCall;
  readonly #hash = createMessageHash();
  #count = 0;

  constructor(call: AnyCall) {
    this.#call = call;
    const [json] = call.metadata.get(PLAN);
    this.plan = parseCallPlan(String(json));
    const { outcome } = this.plan;
    if (outcome.kind === 'error' && outcome.trailersOnly) return;
    call.sendMetadata(this.#echo(new Metadata()));
  }

  received(message: Buffer): void {
    this.#hash.add(message);
    this.#count++;
  }

  end(ending: Ending, replies: readonly Buffer[]): void {
    const { outcome } = this.plan;
    const trailers = this.#echo(new Metadata());
    trailers.set(RECEIVED_HASH, this.#hash.digest());
    trailers.set(RECEIVED_COUNT, String(this.#count));
    switch (outcome.kind) {
      case 'ok':
        ending.reply(replies, trailers);
        return;
      case 'error':
        ending.fail(outcome.trailersOnly ? [] : replies, {
          code: outcome.code,
          details: outcome.message,
          metadata: trailers,
        });
        return;
      case 'cancel':
      case 'deadline':
        this.#wait();
        return;
      default:
        outcome satisfies never;
    }
  }

  #wait(): void {
    if (this.#call.cancelled) return;
    waiting++;
    this.#call.once('cancelled', () => {
      waiting--;
    });
  }

  #echo(metadata: Metadata): Metadata {
    for (const key of [TEXT, BYTES]) {
      for (const value of this.#call.metadata.get(key)) metadata.add(key, value);
    }
    return metadata;
  }
}

function byCallback(callback: sendUnaryData<Buffer>): Ending {
  return {
    reply: ([reply = Buffer.alloc(0)], trailers) => callback(null, reply, trailers),
    fail: (_replies, failure) => callback(failure),
  };
}

function byStream(call: WritingCall): Ending {
  return {
    reply(replies, trailers) {
      for (const reply of replies) call.write(reply);
      call.end(trailers);
    },
    fail(replies, failure) {
      for (const reply of replies) call.write(reply);
      call.emit('error', failure);
    },
  };
}

function unary(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
  if (call.metadata.get(COMMAND)[0] === 'report') {
    callback(null, Buffer.from(String(waiting)));
    return;
  }
  const planned = new PlannedCall(call);
  planned.received(call.request);
  planned.end(byCallback(callback), messages(planned.plan.reply, planned.plan.offset));
}

function clientStream(call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
  const planned = new PlannedCall(call);
  call.on('data', (message: Buffer) => planned.received(message));
  call.on('end', () => planned.end(byCallback(callback), messages(planned.plan.reply, planned.plan.offset)));
}

function serverStream(call: ServerWritableStream<Buffer, Buffer>): void {
  if (call.metadata.get(COMMAND)[0] === 'pour') {
    pour(call, call.request.readUInt32BE(0), call.request.readUInt32BE(4));
    return;
  }
  const planned = new PlannedCall(call);
  planned.received(call.request);
  planned.end(byStream(call), messages(planned.plan.reply, planned.plan.offset));
}

function bidi(call: ServerDuplexStream<Buffer, Buffer>): void {
  const planned = new PlannedCall(call);
  call.on('data', (message: Buffer) => {
    planned.received(message);
    const { outcome } = planned.plan;
    if (outcome.kind !== 'error' || !outcome.trailersOnly) call.write(message);
  });
  call.on('end', () => planned.end(byStream(call), []));
}

/** Sends `count` messages of `size` bytes, as fast as they are taken. */
function pour(call: ServerWritableStream<Buffer, Buffer>, count: number, size: number): void {
  let sent = 0;
  const more = (): void => {
    while (sent < count) {
      const [message] = messages([size], sent++ * size);
      if (!call.write(message ?? Buffer.alloc(0))) {
        call.once('drain', more);
        return;
      }
    }
    call.end();
  };
  more();
}

/** Takes messages as fast as they come and answers with their number of bytes. */
function drainOr(other: typeof clientStream): typeof clientStream {
  return (call, callback) => {
    if (call.metadata.get(COMMAND)[0] !== 'drain') {
      other(call, callback);
      return;
    }
    let bytes = 0;
    call.on('data', (message: Buffer) => {
      bytes += message.length;
    });
    call.on('end', () => callback(null, Buffer.from(String(bytes))));
  };
}

const server = new Server({ 'grpc.max_receive_message_length': -1 });
server.addService(SERVICE, {
  unary,
  'client-stream': drainOr(clientStream),
  'server-stream': serverStream,
  bidi,
});
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
