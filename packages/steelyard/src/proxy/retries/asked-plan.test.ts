import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_RETRY_POLICY, type RetryCondition } from '@steelyard/core/model';
import { createField, HeaderBlock } from '@steelyard/http2';
import { fc } from '@steelyard/testkit/properties';
import { hasNamedHeader, planAsked } from './asked-plan.ts';
import { type RetryPlan, retryPlanOf } from './retry-plan.ts';

const NAMES = 'x-envoy-retriable-header-names';
const CODES = 'x-envoy-retriable-status-codes';

function planOf(retryOn: readonly RetryCondition[], statusCodes: readonly number[] = []): RetryPlan {
  const plan = retryPlanOf({ ...DEFAULT_RETRY_POLICY, retryOn, statusCodes });
  assert.ok(plan);
  return plan;
}

const blockOf = (...fields: readonly (readonly [string, string])[]): HeaderBlock =>
  HeaderBlock.of(fields.map(([name, value]) => createField(name, value)));

const STATUSES = [200, 404, 418, 422, 429, 500, 503];

/** The words, what the request says, the names it gets, the statuses among those above that are a reason then. */
const CASES: readonly (readonly [
  readonly RetryCondition[],
  readonly (readonly [string, string])[],
  readonly string[] | undefined,
  readonly number[],
])[] = [
  [['retriable-headers'], [[NAMES, 'x-again']], ['x-again'], []],
  [['retriable-headers'], [[NAMES, ' X-Again ,, x-b ,']], ['x-again', 'x-b'], []],
  [
    ['retriable-headers'],
    [
      [NAMES, 'a'],
      [NAMES, 'b'],
    ],
    ['a', 'b'],
    [],
  ],
  [['retriable-headers'], [[NAMES, '']], [], []],
  [['retriable-headers'], [[CODES, '418']], [], []],
  [['retriable-status-codes'], [[CODES, '418, 422']], undefined, [418, 422]],
  [
    ['retriable-status-codes'],
    [
      [CODES, '418'],
      [CODES, '+404'],
    ],
    undefined,
    [404, 418],
  ],
  [['retriable-status-codes'], [[CODES, 'all,4 18,0x1a,-418,418.0,99999999999']], undefined, []],
  [['retriable-status-codes'], [[NAMES, 'x-again']], undefined, []],
  [
    ['5xx'],
    [
      [CODES, '418'],
      [NAMES, 'x-again'],
    ],
    undefined,
    [500, 503],
  ],
  [['5xx', 'retriable-status-codes'], [[CODES, '418']], undefined, [418, 500, 503]],
  [
    DEFAULT_RETRY_POLICY.retryOn,
    [
      [CODES, '418'],
      [NAMES, 'x-again'],
    ],
    undefined,
    [418],
  ],
];

describe('what a request names as a reason to try again', () => {
  for (const [words, fields, names, statuses] of CASES) {
    test(`${words.join()} and ${fields.map((field) => field.join(': ')).join('; ')}`, () => {
      const asked = planAsked(planOf(words), blockOf([':path', '/a/b'], ...fields, ['x-mine', '1']));
      assert.ok(asked);
      const { plan, sent } = asked;
      assert.deepEqual(plan.namedHeaders && [...plan.namedHeaders], names);
      assert.deepEqual(STATUSES.filter(plan.isHttpStatus), statuses);
      assert.deepEqual(
        sent.fields.slice(0, sent.count).map(({ name, text }) => [name.text, text]),
        [
          [':path', '/a/b'],
          ['x-mine', '1'],
        ],
      );
    });
  }

  test('codes of the route stay beside those of the request', () => {
    const asked = planAsked(planOf([], [503]), blockOf([CODES, '418']));
    assert.deepEqual(asked && STATUSES.filter(asked.plan.isHttpStatus), [418, 503]);
  });

  test('nothing named: nothing changes', () => {
    assert.equal(planAsked(planOf(['retriable-headers']), blockOf([':path', '/'], ['x-envoy-other', '1'])), undefined);
  });

  test('only routes that say so look at requests they do not change', () => {
    const asks = (words: readonly RetryCondition[], codes: readonly number[] = []): boolean =>
      planOf(words, codes).asks;
    assert.deepEqual(
      [
        asks(DEFAULT_RETRY_POLICY.retryOn),
        asks(['5xx']),
        asks(['retriable-headers']),
        asks(['retriable-status-codes']),
        asks([], [503]),
      ],
      [false, false, true, true, true],
    );
  });

  test('whatever is said, names have no commas, blanks or capitals, and codes are whole numbers', () => {
    const plan = planOf(['retriable-headers', 'retriable-status-codes']);
    fc.assert(
      fc.property(fc.string(), fc.string(), (names, codes) => {
        const asked = planAsked(plan, blockOf([NAMES, names], [CODES, codes]));
        for (const name of asked?.plan.namedHeaders ?? []) {
          assert.equal(name, name.trim().toLowerCase());
          assert.ok(name !== '' && !name.includes(','));
        }
        assert.equal(
          asked?.plan.isHttpStatus(200),
          codes.split(',').some((code) => /^\+?0*200$/.test(code.trim())),
        );
      }),
    );
  });
});

describe('a response with such a header', () => {
  const names = new Set(['x-again', ':status']);
  for (const [fields, word, expected] of [
    [[['x-again', '']], 'retriable-headers', true],
    [[['x-other', 'x-again']], 'retriable-headers', false],
    [[[':status', '200']], 'retriable-headers', true],
    [
      [
        ['x-again', '1'],
        ['x-envoy-ratelimited', 'true'],
      ],
      'retriable-headers',
      false,
    ],
    [
      [
        ['x-again', '1'],
        ['x-envoy-ratelimited', 'true'],
      ],
      'envoy-ratelimited',
      true,
    ],
  ] as const) {
    test(`${fields.join('; ')} with ${word}: ${expected}`, () => {
      assert.equal(hasNamedHeader(blockOf(...fields), planOf([word]), names), expected);
    });
  }
});
