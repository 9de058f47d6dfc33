import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { ConnectionError, ErrorCode } from '../error-code.ts';
import { BufferPool, Output } from '../output.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { createField, type Field } from './field.ts';
import { FieldCache } from './field-cache.ts';
import { HeaderBlock } from './header-block.ts';

type Pair = readonly [name: string, value: string];

function decodeWith(decoder: Decoder, bytes: Uint8Array): Field[] {
  const block = new HeaderBlock(1_000_000, 1_000_000);
  block.begin('request');
  decoder.decode(bytes, 0, bytes.length, block);
  return block.fields.slice(0, block.count);
}

function pairs(fields: readonly Field[]): Pair[] {
  return fields.map((field) => [field.name.text, field.text]);
}

function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

const get: readonly Pair[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];

const requests: readonly (readonly [blocks: readonly string[], lists: readonly (readonly Pair[])[]])[] = [
  [
    // RFC 7541 C.3: without Huffman code
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    [
      get,
      [...get, ['cache-control', 'no-cache']],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/index.html'],
        [':authority', 'www.example.com'],
        ['custom-key', 'custom-value'],
      ],
    ],
  ],
  [
    // RFC 7541 C.4: with Huffman code
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    [
      get,
      [...get, ['cache-control', 'no-cache']],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/index.html'],
        [':authority', 'www.example.com'],
        ['custom-key', 'custom-value'],
      ],
    ],
  ],
];

test('RFC 7541 C.3 and C.4: requests over one dynamic table', () => {
  for (const [blocks, lists] of requests) {
    const decoder = new Decoder(new FieldCache(64));
    for (const [i, block] of blocks.entries()) assert.deepEqual(pairs(decodeWith(decoder, hex(block))), lists[i]);
  }
});

test('RFC 7541 C.5: responses through a table of 256 octets that evicts', () => {
  const decoder = new Decoder(new FieldCache(64), 256);
  const date = 'Mon, 21 Oct 2013 20:13:21 GMT';
  const location = 'https://www.example.com';
  const first = decodeWith(
    decoder,
    hex(
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 54' +
        '6e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    ),
  );
  assert.deepEqual(pairs(first), [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', date],
    ['location', location],
  ]);
  const second = decodeWith(decoder, hex('4803 3330 37c1 c0bf'));
  assert.deepEqual(pairs(second), [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', date],
    ['location', location],
  ]);
});

const broken: readonly (readonly [why: string, block: string])[] = [
  ['index 0', '80'],
  ['an index beyond the static table of an empty dynamic table', 'be'],
  ['an index far beyond', 'ffff01'],
  ['an integer that never ends', 'ffffffffffffffffffff'],
  ['an integer cut off', 'ff'],
  ['a name cut off', '4005616263'],
  ['a name length without a name', '40'],
  ['a value cut off', '400161056162'],
  ['no value at all', '400161'],
  ['a literal whose name has an index beyond the tables, to be indexed', '7f01 0161'],
  ['a literal whose name has an index beyond the tables, not to be indexed', '0f30 0161'],
  ['a literal whose name has an index beyond the tables, never to be indexed', '1f30 0161'],
  ['a size update behind a literal', '0001610161 20'],
  ['a size update cut off', '3f'],
  ['a size update after a field', '8220'],
  ['a size update above what was announced', '3fe21f'],
  ['a Huffman value with EOS', '00 01 61 84 ffffffff'],
  ['a Huffman name with bad padding', '00 81 00 01 61'],
];

test('what cannot be decoded is a COMPRESSION_ERROR', () => {
  for (const [why, block] of broken) {
    assert.throws(
      () => decodeWith(new Decoder(new FieldCache(64)), hex(block)),
      (error) => error instanceof ConnectionError && error.code === ErrorCode.COMPRESSION_ERROR,
      why,
    );
  }
});

test('any octets decode or are a COMPRESSION_ERROR', () => {
  const decoder = new Decoder(new FieldCache(64));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeWith(decoder, bytes);
      } catch (error) {
        assert.ok(error instanceof ConnectionError && error.code === ErrorCode.COMPRESSION_ERROR, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

function encode(encoder: Encoder, fields: readonly Field[]): Uint8Array {
  const out = new Output(new BufferPool());
  encoder.encode(fields, fields.length, out);
  return out.buffer.slice(0, out.length);
}

const someText = fc.string({ maxLength: 30, unit: fc.constantFrom('a', 'b', 'Z', '7', '-', '~', ' ', 'ÿ') });
const someField = fc.record({
  name: fc.constantFrom(':path', 'x-a', 'x-b', 'grpc-timeout', 'content-type', 'te', 'x-long-name-of-a-field'),
  value: someText,
  constant: fc.boolean(),
});

test('lists pass through encoder and decoder, whatever the table sizes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.array(someField, { maxLength: 12 }), fc.integer({ min: 0, max: 6000 })), { maxLength: 40 }),
      (steps) => {
        const encoder = new Encoder();
        // What the peer allows changes, our decoder's bound is the default: it must accept each size up to 4096.
        const decoder = new Decoder(new FieldCache(16));
        const again = new Encoder();
        const further = new Decoder(new FieldCache(16));
        for (const step of steps) {
          if (typeof step === 'number') {
            encoder.setMaximumSize(step);
            continue;
          }
          const fields = step.map(({ name, value, constant }) =>
            createField(name, value, constant ? 'constant' : 'once'),
          );
          const decoded = decodeWith(decoder, encode(encoder, fields));
          assert.deepEqual(pairs(decoded), pairs(fields));
          // And on, as a proxy forwards it: the same field objects through another table.
          assert.deepEqual(pairs(decodeWith(further, encode(again, decoded))), pairs(fields));
        }
      },
    ),
  );
});

test('a field that repeats costs one octet from its third time on, one that does not stays out of the table', () => {
  const encoder = new Encoder();
  const constant = createField('user-agent', 'grpc-node-js/1.14.7', 'constant');
  encode(encoder, [constant]);
  encode(encoder, [constant]);
  assert.equal(encode(encoder, [constant]).length, 1);
  const first = encode(encoder, [createField('traceparent', '00-11')]);
  const second = encode(encoder, [createField('traceparent', '00-22')]);
  // The first one enters for its name's sake; the second refers to the name and leaves no trace.
  assert.equal(first[0], 0x40);
  assert.equal((second[0] ?? 0) & 0xf0, 0x00);
  assert.equal(encode(encoder, [constant]).length, 1);
});

test('a set of values too large for the table does not churn it', () => {
  const encoder = new Encoder();
  const constant = createField('user-agent', 'grpc-node-js/1.14.7', 'constant');
  const timeouts = Array.from({ length: 1000 }, (_, i) => createField('grpc-timeout', `${i * 7919}m`, 'constant'));
  let inserted = 0;
  for (let round = 0; round < 10; round++) {
    for (const timeout of timeouts) {
      const [first = 0] = encode(encoder, [timeout]);
      if ((first & 0xc0) === 0x40) inserted++;
      encode(encoder, [constant]);
    }
  }
  assert.ok(inserted < 1000, `${inserted} of 10,000 were put into the table`);
  assert.equal(encode(encoder, [constant]).length, 1);
});

test('RFC 7541 §6.2.3: a never-indexed field is forwarded never-indexed', () => {
  const decoder = new Decoder(new FieldCache(16));
  const secret = hex('10 0d 617574686f72697a6174696f6e 03 616263');
  const encoder = new Encoder();
  for (let turn = 0; turn < 3; turn++) {
    const encoded = encode(encoder, decodeWith(decoder, secret));
    assert.equal((encoded[0] ?? 0) & 0xf0, 0x10);
  }
});

test('RFC 7541 §4.2: a table that shrank and grew again is announced by both sizes', () => {
  const encoder = new Encoder();
  encoder.setMaximumSize(0);
  encoder.setMaximumSize(100);
  assert.equal(
    Buffer.from(encode(encoder, [createField(':method', 'GET')]))
      .toString('hex')
      .slice(0, 6),
    '203f45',
  );
});

test('the own cap holds whatever a peer allows: it is our memory too', () => {
  const encoder = new Encoder();
  encoder.setMaximumSize(16 * 1024 * 1024);
  const decoder = new Decoder(new FieldCache(64), 4096);
  // Three times as much as the cap, each twice so that it is worth a place.
  for (let i = 0; i < 400; i++) {
    const field = createField('x-a', `${i}`, 'constant');
    for (let turn = 0; turn < 3; turn++) assert.equal(decodeWith(decoder, encode(encoder, [field]))[0]?.text, `${i}`);
  }
});

test('a table full of the smallest entries is addressed to its end', () => {
  const encoder = new Encoder();
  const decoder = new Decoder(new FieldCache(256));
  const fields = Array.from({ length: 120 }, (_, i) =>
    createField(String.fromCharCode(0x61 + (i % 26)), `${i % 10}`, 'constant'),
  );
  for (let turn = 0; turn < 5; turn++) {
    assert.deepEqual(pairs(decodeWith(decoder, encode(encoder, fields))), pairs(fields));
  }
});
