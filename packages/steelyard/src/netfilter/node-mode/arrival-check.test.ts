import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createArrivalCheck } from './arrival-check.ts';

const cases: readonly (readonly [
  name: string,
  looks: readonly (readonly [handed: number, accepted: number])[],
  last: boolean,
])[] = [
  [
    'nobody calls',
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    false,
  ],
  [
    'all arrive',
    [
      [5, 5],
      [9, 9],
      [400, 400],
    ],
    false,
  ],
  [
    'some are on their way',
    [
      [5, 5],
      [30, 5],
      [31, 30],
    ],
    false,
  ],
  [
    'a scan, and others arrive',
    [
      [90, 1],
      [180, 2],
      [270, 3],
    ],
    false,
  ],
  [
    'a few that give up',
    [
      [5, 5],
      [7, 5],
      [7, 5],
      [7, 5],
    ],
    false,
  ],
  [
    'three SYNs of one caller',
    [
      [5, 5],
      [6, 5],
      [7, 5],
      [8, 5],
    ],
    false,
  ],
  [
    'and none of them arrives',
    [
      [5, 5],
      [6, 5],
      [7, 5],
      [8, 5],
      [8, 5],
    ],
    true,
  ],
  [
    'none from the beginning',
    [
      [40, 0],
      [40, 0],
    ],
    true,
  ],
  [
    'the table is written anew',
    [
      [40, 1],
      [50, 1],
      [2, 1],
      [2, 1],
    ],
    false,
  ],
];

suite('whether connections arrive', () => {
  for (const [name, looks, last] of cases) {
    test(name, () => {
      const check = createArrivalCheck();
      const answers = looks.map(([handed, accepted]) => check.isBlocked(handed, accepted));
      assert.deepEqual(answers, [...looks.slice(1).map(() => false), last]);
    });
  }
});
