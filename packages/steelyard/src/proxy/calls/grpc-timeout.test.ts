import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { parseGrpcTimeout, renderGrpcTimeout } from './grpc-timeout.ts';

const TEXTS: readonly [string, number | undefined][] = [
  ['1H', 3_600_000],
  ['2M', 120_000],
  ['5S', 5000],
  ['250m', 250],
  ['1500u', 1.5],
  ['0n', 0],
  ['99999999m', 99_999_999],
  ['100000000m', undefined],
  ['5s', undefined],
  ['S', undefined],
  ['-5S', undefined],
  ['1.5S', undefined],
  ['', undefined],
];

const parse = (text: string): number | undefined => parseGrpcTimeout(Buffer.from(text, 'latin1'), text.length);

test('a timeout is at most eight digits and a unit', () => {
  for (const [text, expected] of TEXTS) assert.equal(parse(text), expected, text);
});

const TIMES: readonly [number, string][] = [
  [30, '30000u'],
  [0, '1u'],
  [-5, '1u'],
  [0.4567, '456u'],
  [100_000, '100000m'],
  [1e12, '16666666M'],
  [1e20, '99999999H'],
];

test('the finest unit that holds it, and never nothing', () => {
  for (const [ms, expected] of TIMES) assert.equal(renderGrpcTimeout(ms), expected);
});

test('what is rendered is what is read, and never longer', () => {
  const property = fc.property(fc.double({ min: 0.001, max: 1e13, noNaN: true }), (ms) => {
    const read = parse(renderGrpcTimeout(ms));
    assert.ok(read !== undefined && read <= ms * (1 + 1e-12) && read >= ms * 0.99 - 0.001);
  });
  fc.assert(property, { numRuns: 1000, seed: 5 });
});
