import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { service as health } from 'grpc-health-check';
import { parseHealthRequest } from './parse-health-request.ts';

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

test('reads what the reference library writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (service) => {
      const message = health['Check']?.requestSerialize({ service }) ?? Buffer.alloc(0);
      assert.equal(parseHealthRequest(framed(message)), service);
    }),
  );
});

const cases: readonly (readonly [name: string, message: readonly number[], service: string | undefined])[] = [
  ['nothing', [], ''],
  ['a name', [0x0a, 1, 0x61], 'a'],
  ['two names: the last', [0x0a, 1, 0x61, 0x0a, 1, 0x62], 'b'],
  ['other fields', [0x10, 0x96, 1, 0x0a, 1, 0x61, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2a, 1, 0], 'a'],
  ['a name cut short', [0x0a, 2, 0x61], undefined],
  ['a tag alone', [0x0a], undefined],
  ['a varint that does not end', [0x10, ...Array.from({ length: 12 }, () => 0x80)], undefined],
  ['a group', [0x0b], undefined],
  ['a fixed field cut short', [0x1d, 1, 2, 3], undefined],
];
for (const [name, message, service] of cases) {
  test(name, () => assert.equal(parseHealthRequest(framed(Uint8Array.from(message))), service));
}

test('a frame that is compressed, cut short or has more behind it', () => {
  for (const bytes of [
    [1, 0, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0],
  ]) {
    assert.equal(parseHealthRequest(Uint8Array.from(bytes)), undefined);
  }
});

test('takes any octets', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void parseHealthRequest(framed(bytes))));
});
