import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { fieldName } from './field.ts';
import { valueIsMalformed } from './value-rules.ts';

const odd = fc.record({
  at: fc.nat({ max: 2000 }),
  octet: fc.constantFrom(0x00, 0x01, 0x09, 0x0a, 0x0d, 0x0e, 0x20, 0x7f, 0x80, 0x8a, 0xff),
});

/** RFC 9113 §8.2.1, word for word. */
function breaksRule(value: Uint8Array): boolean {
  const isBlank = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09;
  return [0x00, 0x0a, 0x0d].some((octet) => value.includes(octet)) || isBlank(value.at(0)) || isBlank(value.at(-1));
}

test('a value is malformed by what it has, however long it is and wherever it stands', () => {
  const name = fieldName('x-request-id');
  let malformed = 0;
  fc.assert(
    fc.property(
      fc.nat({ max: 1500 }),
      fc.nat({ max: 9 }),
      fc.nat({ max: 9 }),
      fc.array(odd, { maxLength: 3 }),
      (length, offset, start, odds) => {
        // What stands around it must not matter: it is forbidden throughout.
        const memory = new Uint8Array(offset + start + length + 7);
        const bytes = memory.subarray(offset);
        const value = bytes.subarray(start, start + length).fill(0x61);
        for (const { at, octet } of odds) if (at < length) value[at] = octet;
        const expected = breaksRule(value);
        if (expected) malformed++;
        assert.equal(valueIsMalformed(name, bytes, start, start + length), expected);
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(malformed > 300, `${malformed} were malformed`);
});
