import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { fieldName, measuredMalformed, measureHuffman } from './field.ts';
import { huffmanEncode } from './huffman.ts';
import { valueIsMalformed } from './value-rules.ts';

const octet = fc.oneof(
  fc.constantFrom(0x00, 0x09, 0x0a, 0x0d, 0x1f, 0x20, 0x21, 0x7f, 0x80),
  fc.integer({ min: 0, max: 255 }),
);

for (const name of ['x-request-id', ':path']) {
  test(`a value of ${name} is malformed, or not, however it is coded`, () => {
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 40 }), (octets) => {
        const value = Uint8Array.from(octets);
        const coded = huffmanEncode(value);
        assert.equal(measureHuffman(fieldName(name), coded, 0, coded.length), value.length);
        assert.equal(measuredMalformed, valueIsMalformed(fieldName(name), value, 0, value.length));
      }),
      { numRuns: 1000 },
    );
  });
}
