import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BlockReader } from '../wire/block-reader.ts';
import { DATA, HEADERS } from '../wire/frame.ts';
import { createFrameReader } from '../wire/frame-reader.ts';
import { CallWriter, type CallKind } from './call-writer.ts';
import { nonceAt, sizeAt } from './message.ts';

const CALLS = 100;

/** What a server sees of calls: their fields, and their message. */
function written(call: CallKind, indexing: boolean): { fields: Map<string, string>; message: Buffer | undefined }[] {
  const writer = new CallWriter(call, indexing, 3);
  const blocks = new BlockReader();
  const seen: { fields: Map<string, string>; message: Buffer | undefined }[] = [];
  const read = createFrameReader((type, _flags, id, bytes, start, end) => {
    if (type === HEADERS) {
      assert.equal(id, seen.length * 2 + 1);
      seen.push({ fields: new Map(blocks.read(bytes, start, end)), message: undefined });
    } else if (type === DATA) {
      const last = seen.at(-1);
      if (last !== undefined) last.message = Buffer.from(bytes.subarray(start, end));
    }
  });
  const out = Buffer.alloc(writer.mostBytes);
  for (let nth = 0; nth < CALLS; nth++) {
    assert.equal(writer.nonce, nth);
    read(out.subarray(0, writer.write(out, 0, nth * 2 + 1)));
  }
  return seen;
}

describe('the calls of the benchmark', () => {
  for (const indexing of [true, false]) {
    it(`differ from each other, ${indexing ? 'with' : 'without'} a header table`, () => {
      const calls = written({ kind: 'unary', replyBytes: 77 }, indexing);
      const distinct = (name: string): number => new Set(calls.map(({ fields }) => fields.get(name))).size;
      assert.deepEqual([distinct(':path'), distinct(':authority'), distinct('traceparent')], [8, 4, CALLS]);
      assert.ok(distinct('grpc-timeout') > CALLS / 2);
      for (const [nth, { fields, message }] of calls.entries()) {
        assert.equal(fields.get('content-type'), 'application/grpc');
        assert.equal(fields.get('te'), 'trailers');
        assert.match(fields.get('traceparent') ?? '', /^00-[\da-f]{32}-[\da-f]{16}-01$/);
        assert.match(fields.get('grpc-timeout') ?? '', /^29\d{3}m$/);
        assert.match(fields.get(':authority') ?? '', /^bench\.default[\w.:]*$/);
        assert.ok(message !== undefined && sizeAt(message, 0) === 77 && nonceAt(message, 0) === nth);
      }
    });
  }

  it('have 8 KiB of metadata that differ from call to call', () => {
    const calls = written({ kind: 'metadata', replyBytes: 12 }, true);
    for (const name of ['baggage', 'x-signature']) {
      assert.equal(new Set(calls.map(({ fields }) => fields.get(name))).size, CALLS);
    }
    const [first] = calls;
    const size = [...(first?.fields ?? [])].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    assert.ok(size > 8 * 1024 && size < 9 * 1024, `${size} octets`);
  });

  it('have no message of their own when they are streams', () => {
    for (const { message } of written({ kind: 'echo', replyBytes: 12 }, true)) assert.equal(message, undefined);
  });
});
