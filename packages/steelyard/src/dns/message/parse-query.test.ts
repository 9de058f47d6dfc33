import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseQuery } from './parse-query.ts';

/** A query by its parts, each as hexadecimal digits. */
function bytes(...parts: string[]): Buffer {
  return Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
}

const HEADER = 'abcd 0100 0001 0000 0000 0000';
const HEADER_WITH_ADDITIONAL = 'abcd 0100 0001 0000 0000 0001';
/** `a.svc` A IN */
const QUESTION = '01 61 03 737663 00 0001 0001';
const OPT = '00 0029 04d0 00 00 8000 0000';

suite('parseQuery', () => {
  test('a plain query', () => {
    assert.deepEqual(parseQuery(bytes(HEADER, QUESTION)), {
      kind: 'query',
      id: 0xabcd,
      flags: 0x0100,
      question: { name: 'a.svc', labelOffsets: [12, 14], type: 1, dnsClass: 1, end: 23 },
      edns: undefined,
    });
  });

  const names: readonly { name: string; wire: string; expected: string }[] = [
    { name: 'the root', wire: '00', expected: '' },
    { name: 'upper case', wire: '03 5a417a 00', expected: 'zaz' },
    { name: 'letters of ASCII only', wire: '02 c4 41 00', expected: 'Äa' },
    { name: 'a dot inside of a label', wire: '03 612e62 01 63 00', expected: String.raw`a\.b.c` },
  ];
  for (const { name, wire, expected } of names) {
    test(`name: ${name}`, () => {
      const parsed = parseQuery(bytes(HEADER, wire, '0001 0001'));
      assert.equal(parsed.kind === 'query' ? parsed.question.name : parsed.kind, expected);
    });
  }

  test('EDNS: size, version, DO', () => {
    const parsed = parseQuery(bytes(HEADER_WITH_ADDITIONAL, QUESTION, OPT));
    assert.deepEqual(parsed.kind === 'query' && parsed.edns, { udpSize: 1232, version: 0, dnssecOk: true });
  });

  test('other records before the OPT are passed over, compressed names too', () => {
    const record = 'c00c 0001 0001 00000005 0004 0a000001';
    const parsed = parseQuery(bytes('abcd 0100 0001 0001 0000 0002', QUESTION, record, record, OPT));
    assert.deepEqual(parsed.kind === 'query' && parsed.edns?.udpSize, 1232);
  });

  const ignored: readonly { name: string; message: Buffer }[] = [
    { name: 'nothing', message: Buffer.alloc(0) },
    { name: 'less than a header', message: Buffer.alloc(11) },
    { name: 'an answer', message: bytes('abcd 8100 0001 0000 0000 0000', QUESTION) },
  ];
  for (const { name, message } of ignored) {
    test(`no answer to ${name}`, () => assert.deepEqual(parseQuery(message), { kind: 'ignored' }));
  }

  const longLabel = `3f${'61'.repeat(63)}`;
  const refused: readonly { name: string; message: Buffer; code: number }[] = [
    { name: 'UPDATE', message: bytes('abcd 2800 0001 0000 0000 0000', QUESTION), code: 4 },
    { name: 'no question', message: bytes('abcd 0100 0000 0000 0000 0000'), code: 1 },
    { name: 'two questions', message: bytes('abcd 0100 0002 0000 0000 0000', QUESTION, QUESTION), code: 1 },
    { name: 'a name that ends too soon', message: bytes(HEADER, '05 6161'), code: 1 },
    { name: 'a question without class', message: bytes(HEADER, '01 61 00 0001'), code: 1 },
    { name: 'a pointer to itself', message: bytes(HEADER, 'c00c 0001 0001'), code: 1 },
    { name: 'a label of an unknown kind', message: bytes(HEADER, '41 61 00 0001 0001'), code: 1 },
    { name: 'a name above 255 octets', message: bytes(HEADER, longLabel.repeat(4), '00 0001 0001'), code: 1 },
    { name: 'a record that is not there', message: bytes(HEADER_WITH_ADDITIONAL, QUESTION), code: 1 },
    { name: 'an OPT cut short', message: bytes(HEADER_WITH_ADDITIONAL, QUESTION, '00 0029 04d0 00'), code: 1 },
    {
      name: 'an OPT with less data than it says',
      message: bytes(HEADER_WITH_ADDITIONAL, QUESTION, '00 0029 04d0 00 00 0000 0004'),
      code: 1,
    },
    { name: 'two OPTs', message: bytes('abcd 0100 0001 0000 0000 0002', QUESTION, OPT, OPT), code: 1 },
    { name: 'an OPT with a name', message: bytes(HEADER_WITH_ADDITIONAL, QUESTION, '01 61', OPT), code: 1 },
    { name: 'an OPT in the answer section', message: bytes('abcd 0100 0001 0001 0000 0000', QUESTION, OPT), code: 1 },
  ];
  for (const { name, message, code } of refused) {
    test(`code ${code} for ${name}`, () => {
      assert.deepEqual(parseQuery(message), { kind: 'refused', id: 0xabcd, flags: message.readUInt16BE(2), code });
    });
  }

  test('a name of exactly 255 octets is one', () => {
    const parsed = parseQuery(bytes(HEADER, longLabel.repeat(3), `3d${'61'.repeat(61)}`, '00 0001 0001'));
    assert.equal(parsed.kind === 'query' && parsed.question.name.length, 253);
  });

  test('any octets have a result', () => {
    const header = fc.tuple(fc.constant(HEADER_WITH_ADDITIONAL), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), header), (input) => {
        const message = Array.isArray(input) ? Buffer.concat([bytes(input[0]), input[1]]) : Buffer.from(input);
        const parsed = parseQuery(message);
        if (parsed.kind === 'query') assert.ok(parsed.question.end <= message.length);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
