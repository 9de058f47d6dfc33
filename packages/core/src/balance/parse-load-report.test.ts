import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseLoadReport } from './parse-load-report.ts';

const double = (value: number): number[] => [...Buffer.from(new Float64Array([value]).buffer)];
const CPU = [0x09, ...double(0.5)];
const RPS = [0x31, ...double(100)];
const EPS = [0x39, ...double(7)];
const APPLICATION = [0x49, ...double(0.25)];
/** A map entry, a varint and a fixed32, which a newer version may have. */
const OTHERS = [0x22, 3, 1, 2, 3, 0x18, 0x96, 0x01, 0x85, 0x01, 1, 2, 3, 4];

suite('load reports (xds.data.orca.v3.OrcaLoadReport)', () => {
  const read = [
    { name: 'nothing', bytes: [], expected: [0, 0, 0] },
    { name: 'the CPU', bytes: [...CPU, ...RPS], expected: [100, 0, 0.5] },
    {
      name: 'the application before the CPU',
      bytes: [...APPLICATION, ...CPU, ...RPS, ...EPS],
      expected: [100, 7, 0.25],
    },
    { name: 'past what is not known', bytes: [...OTHERS, ...RPS, ...OTHERS, ...CPU], expected: [100, 0, 0.5] },
  ];
  for (const { name, bytes, expected } of read) {
    test(name, () => {
      const [requestsPerSecond, errorsPerSecond, utilization] = expected;
      assert.deepEqual(parseLoadReport(Uint8Array.from(bytes)), { requestsPerSecond, errorsPerSecond, utilization });
    });
  }

  for (const bytes of [[0x09, 1, 2], [0x22, 200], [0x0b], [0x00, 1], [0x80], [0x18]]) {
    test(`refuses ${bytes.join()}`, () => assert.equal(parseLoadReport(Uint8Array.from(bytes)), undefined));
  }

  test('no bytes make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const report = parseLoadReport(bytes);
        assert.ok(report === undefined || typeof report.utilization === 'number');
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});
