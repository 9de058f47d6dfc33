import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { Connection } from './connection.ts';
import { ErrorCode } from './error-code.ts';
import type { ConnectionHandler } from './handler.ts';
import { createField } from './hpack/field.ts';
import { FieldCache } from './hpack/field-cache.ts';
import { HeaderBlock } from './hpack/header-block.ts';
import { BufferPool } from './output.ts';
import type { Stream } from './stream.ts';

/** What one call sends, and what of it has come back. */
interface Call {
  readonly metadata: string;
  readonly messages: readonly Uint8Array[];
  readonly received: number[];
  echoed: string;
  ended: boolean;
}

const fields = new FieldCache(256);
// As the proxy has it: Buffers differ from other Uint8Arrays in that `slice` does not copy.
const buffers = new BufferPool((size) => Buffer.allocUnsafeSlow(size));

/** Windows of a few octets make frames that would otherwise count as mischief. */
const freely = { oddityBurst: 1e9 };

/** Answers each request with its own octets, as they come, and its own metadata in the trailers. */
class EchoServer implements ConnectionHandler<string> {
  readonly connection: Connection<string>;

  constructor(streamWindow: number) {
    this.connection = new Connection<string>(this, {
      role: 'server',
      fields,
      buffers,
      limits: { ...freely, streamWindow },
      now: () => 0,
    });
  }
  onHeaders(stream: Stream<string>, block: HeaderBlock, endStream: boolean): void {
    stream.context = block.fields.slice(0, block.count).find(({ name }) => name.text === 'x-meta')?.text ?? '';
    this.connection.sendHeaders(stream, HeaderBlock.of([createField(':status', '200')]), false);
    if (endStream) this.#end(stream);
  }
  onData(stream: Stream<string>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const sent = this.connection.sendData(stream, bytes, start, end, false);
    this.connection.consume(stream, sent);
    if (endStream) this.#end(stream);
  }
  onSent(stream: Stream<string>, count: number): void {
    this.connection.consume(stream, count);
  }
  onTrailers(stream: Stream<string>): void {
    this.#end(stream);
  }
  #end(stream: Stream<string>): void {
    this.connection.sendTrailers(stream, HeaderBlock.of([createField('x-meta', stream.context ?? '')]));
  }
  onReset(): void {
    assert.fail('no stream may be reset');
  }
  onConnectionError(error: Error): void {
    throw error;
  }
  onGoAway(): void {}
  onSettings(): void {}
  onDrained(): void {}
  onOutput(): void {}
}

class EchoClient implements ConnectionHandler<Call> {
  readonly connection: Connection<Call>;

  constructor(streamWindow: number) {
    this.connection = new Connection<Call>(this, {
      role: 'client',
      fields,
      buffers,
      limits: { ...freely, streamWindow },
      now: () => 0,
    });
  }
  start(call: Call): void {
    const block = HeaderBlock.of([
      createField(':method', 'POST', 'constant'),
      createField(':scheme', 'http', 'constant'),
      createField(':path', '/echo.Echo/Chat', 'constant'),
      createField('x-meta', call.metadata),
    ]);
    const stream = this.connection.request(block, call.messages.length === 0, call);
    for (const [i, message] of call.messages.entries()) {
      this.connection.sendData(stream, message, 0, message.length, i === call.messages.length - 1);
    }
  }
  onHeaders(): void {}
  onData(stream: Stream<Call>, bytes: Uint8Array, start: number, end: number): void {
    stream.context?.received.push(...bytes.subarray(start, end));
    this.connection.consume(stream, end - start);
  }
  onTrailers(stream: Stream<Call>, block: HeaderBlock): void {
    assert.ok(stream.context);
    stream.context.echoed = block.fields[0]?.text ?? '';
    stream.context.ended = true;
  }
  onReset(): void {
    assert.fail('no stream may be reset');
  }
  onConnectionError(error: Error): void {
    throw error;
  }
  onSent(): void {}
  onGoAway(): void {}
  onSettings(): void {}
  onDrained(): void {}
  onOutput(): void {}
}

/** Moves octets from one side to the other in chunks, and takes the socket's readiness away now and then. */
function carry<A, B>(from: Connection<A>, to: Connection<B>, chunkSize: number, stutter: boolean): boolean {
  const wire: Uint8Array[] = [];
  if (stutter) from.setWritable(false);
  from.flush((bytes) => {
    wire.push(Uint8Array.from(bytes));
    return true;
  });
  if (stutter) from.setWritable(true);
  for (const bytes of wire) {
    for (let at = 0; at < bytes.length; at += chunkSize) to.receive(Buffer.from(bytes.subarray(at, at + chunkSize)));
  }
  return wire.length > 0;
}

test('calls between our own client and server arrive whole, whatever the windows and the cuts', () => {
  const message = fc.uint8Array({ maxLength: 5000 });
  const someCall = fc.record({
    metadata: fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '-'), maxLength: 60 }),
      fc.integer({ min: 16_000, max: 40_000 }).map((length) => 'abcdefg-123456'.repeat(length / 14)),
    ),
    messages: fc.array(message, { maxLength: 6 }),
  });
  fc.assert(
    fc.property(
      fc.array(someCall, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 9000 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.boolean(),
      (plans, window, chunkSize, stutter) => {
        const client = new EchoClient(window);
        const server = new EchoServer(window);
        const calls = plans.map((plan): Call => ({ ...plan, received: [], echoed: '?', ended: false }));
        for (const call of calls) client.start(call);
        const up = client.connection;
        const down = server.connection;
        for (let moved = true; moved;) {
          moved = carry(up, down, chunkSize, stutter);
          moved = carry(down, up, chunkSize, stutter) || moved;
        }
        for (const call of calls) {
          assert.equal(call.ended, true);
          assert.equal(call.echoed, call.metadata);
          assert.deepEqual(Uint8Array.from(call.received), Uint8Array.from(call.messages.flatMap((each) => [...each])));
        }
        assert.equal(client.connection.streamCount, 0);
        assert.equal(server.connection.streamCount, 0);
        assert.equal(client.connection.queuedLength + server.connection.queuedLength, 0);
        client.connection.close(ErrorCode.NO_ERROR, 'done');
      },
    ),
    { numRuns: 150 },
  );
});
