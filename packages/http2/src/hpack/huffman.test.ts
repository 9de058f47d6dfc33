import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { latin1Bytes } from './bytes.ts';
import { huffmanDecode, huffmanDecodedLength, huffmanEncode, huffmanEncodedLength } from './huffman.ts';

// RFC 7541 C.4, C.6
const vectors: readonly (readonly [text: string, hex: string])[] = [
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
];

test('the examples of RFC 7541 Appendix C, both ways', () => {
  for (const [text, hex] of vectors) {
    const bytes = latin1Bytes(text);
    assert.equal(Buffer.from(huffmanEncode(bytes)).toString('hex'), hex);
    assert.deepEqual(decode(Buffer.from(hex, 'hex')), bytes);
  }
});

test('every octet string survives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const encoded = huffmanEncode(bytes);
      assert.equal(encoded.length, huffmanEncodedLength(bytes));
      assert.deepEqual(decode(encoded), bytes);
    }),
  );
});

test('what decodes is what its decoded form encodes to: there is one code per string', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decode(bytes);
      if (decoded !== undefined) assert.deepEqual(huffmanEncode(decoded), bytes);
    }),
  );
});

const invalid: readonly (readonly [why: string, hex: string])[] = [
  ['padding of eight bits', 'f1e3c2e5f23a6ba0ab90f4ffff'],
  ['padding that is not all ones', '00'],
  ['EOS inside', 'ffffffff'],
  ['EOS and more', 'fffffffffcff'],
  ['nothing but eight bits of padding', 'ff'],
];

test('RFC 7541 §5.2: broken padding and EOS are errors', () => {
  for (const [why, hex] of invalid) assert.equal(decode(Buffer.from(hex, 'hex')), undefined, why);
});

function decode(bytes: Uint8Array): Uint8Array | undefined {
  const length = huffmanDecodedLength(bytes, 0, bytes.length);
  const out = new Uint8Array(bytes.length * 2);
  const end = huffmanDecode(bytes, 0, bytes.length, out, 0);
  assert.equal(end, length);
  return length < 0 ? undefined : out.slice(0, end);
}
