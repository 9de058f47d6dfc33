import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { ConnectionAge } from './connection-age.ts';

describe('the age of a connection (gRFC A9)', () => {
  const cases: readonly (readonly [random: number, graceMs: number | undefined, stages: [number, string][]])[] = [
    [
      0,
      undefined,
      [
        [0, 'young'],
        [8999, 'young'],
        [9000, 'old'],
        [1e12, 'old'],
      ],
    ],
    [
      0.5,
      3000,
      [
        [9999, 'young'],
        [10_000, 'old'],
        [12_999, 'old'],
        [13_000, 'over'],
      ],
    ],
    [
      0.5,
      3000,
      [
        [11_500, 'old'],
        [14_000, 'old'],
        [14_500, 'over'],
      ],
    ],
    [
      0.5,
      0,
      [
        [9999, 'young'],
        [10_000, 'over'],
      ],
    ],
  ];
  for (const [random, graceMs, stages] of cases) {
    test(`10 s, drawn ${random}, grace ${graceMs}: ${stages.map(([, stage]) => stage).join(', ')}`, () => {
      const age = new ConnectionAge({ ageMs: 10_000, graceMs }, 500, () => random);
      for (const [at, stage] of stages) assert.equal(age.stage(500 + at), stage, `after ${at} ms`);
    });
  }

  test('is within a tenth of what was asked for', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1000, max: 86_400_000 }),
        (random, ageMs) => {
          const age = new ConnectionAge({ ageMs }, 0, () => random);
          assert.equal(age.stage(ageMs * 0.9 - 1), 'young');
          assert.equal(age.stage(ageMs * 1.1 + 1), 'old');
        },
      ),
    );
  });
});
