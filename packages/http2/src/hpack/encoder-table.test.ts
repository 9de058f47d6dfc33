// The encoder finds its entries by places that hashes share. What it says is read here by a decoder that knows nothing of
// that: a list, as RFC 7541 §2.3.2 draws it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { BufferPool, Output } from '../output.ts';
import { Encoder } from './encoder.ts';
import { createField, type Field } from './field.ts';

type Pair = readonly [name: string, value: string];

/** RFC 7541 Appendix A, as far as the fields below need it. */
const STATIC: ReadonlyMap<number, string> = new Map([
  [4, ':path'],
  [31, 'content-type'],
  [58, 'user-agent'],
]);
const STATIC_LENGTH = 61;

class PlainDecoder {
  /** Newest first. */
  table: Pair[] = [];
  /** What the last update said. */
  size = 4096;
  /** What the peer allows, and the least it has allowed since the last block (§4.2). */
  allowed = 4096;
  least = Infinity;
  indexed = 0;

  allow(size: number): void {
    this.allowed = Math.min(size, 4096);
    this.least = Math.min(this.least, this.allowed);
  }

  decode(bytes: Uint8Array): Pair[] {
    const out: Pair[] = [];
    let at = 0;
    const integer = (bits: number): number => {
      const most = 2 ** bits - 1;
      let value = (bytes[at++] ?? 0) & most;
      if (value < most) return value;
      for (let factor = 1; ; factor *= 128) {
        const octet = bytes[at++] ?? assert.fail('an integer is cut off');
        value += (octet & 127) * factor;
        if (octet < 128) return value;
      }
    };
    const string = (): string => {
      assert.equal((bytes[at] ?? 0) & 0x80, 0, 'nothing here is Huffman-coded');
      const length = integer(7);
      at += length;
      assert.ok(at <= bytes.length);
      return String.fromCharCode(...bytes.subarray(at - length, at));
    };
    const dynamic = (index: number): Pair =>
      this.table[index - STATIC_LENGTH - 1] ?? assert.fail(`index ${index} of ${this.table.length} entries`);
    const before = this.size;
    const updates: number[] = [];
    while (at < bytes.length) {
      const first = bytes[at] ?? 0;
      if ((first & 0xe0) === 0x20) {
        assert.deepEqual(out, [], 'a size update behind a field');
        this.size = integer(5);
        updates.push(this.size);
        this.evict();
        continue;
      }
      if (first >= 0x80) {
        out.push(dynamic(integer(7)));
        this.indexed++;
        continue;
      }
      const stored = first >= 0x40;
      const index = integer(stored ? 6 : 4);
      const name = index === 0 ? string() : (STATIC.get(index) ?? dynamic(index)[0]);
      const field: Pair = [name, string()];
      out.push(field);
      if (!stored) continue;
      this.table.unshift(field);
      this.evict();
    }
    assert.ok(this.size <= this.allowed, `a table of ${this.size}, ${this.allowed} allowed`);
    if (this.least < before) assert.equal(Math.min(...updates), this.least, 'the least size is said');
    this.least = Infinity;
    return out;
  }

  evict(): void {
    const sum = (): number => this.table.reduce((all, [name, value]) => all + name.length + value.length + 32, 0);
    while (sum() > this.size) this.table.pop();
  }
}

/** More names than there are places for them, and several values of each. */
const names = [':path', 'content-type', 'user-agent', ...Array.from({ length: 70 }, (_, i) => `x-${i.toString(7)}`)];
const fields: readonly Field[] = names.flatMap((name, i) =>
  ['', 'a', 'b', 'cd'.repeat(i), 'dc'.repeat(i)].map((value, j) =>
    createField(name, value, (i + j) % 3 === 0 ? 'once' : 'constant'),
  ),
);

function encode(encoder: Encoder, block: readonly Field[]): Uint8Array {
  const out = new Output(new BufferPool());
  encoder.encode(block, block.length, out);
  return out.buffer.slice(0, out.length);
}

const someBlock = fc
  .record({
    from: fc.nat(fields.length - 1),
    step: fc.integer({ min: 1, max: 7 }),
    length: fc.integer({ min: 1, max: 20 }),
    turns: fc.nat(4),
  })
  .map(({ from, step, length, turns }) => ({
    block: Array.from({ length }, (_, i) => fields[(from + i * step) % fields.length]).filter(
      (field) => field !== undefined,
    ),
    turns,
  }));
const someSize = fc.oneof(fc.constantFrom(0, 32, 33, 4096, 65_536), fc.nat(5000));

test('blocks are read as they were meant, whatever is evicted and however the table grows and shrinks', () => {
  let indexed = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: someBlock }, someSize), { maxLength: 60 }), (steps) => {
      const encoder = new Encoder();
      const decoder = new PlainDecoder();
      for (const step of steps) {
        if (typeof step === 'number') {
          encoder.setMaximumSize(step);
          decoder.allow(step);
          continue;
        }
        for (let turn = 0; turn <= step.turns; turn++) {
          assert.deepEqual(
            decoder.decode(encode(encoder, step.block)),
            step.block.map((field) => [field.name.text, field.text]),
          );
        }
        if (step.turns === 3) encoder.rest();
      }
      indexed += decoder.indexed;
    }),
    { seed: 3, numRuns: 300 },
  );
  assert.ok(indexed > 10_000, `${indexed} references: the table is hardly used`);
});
