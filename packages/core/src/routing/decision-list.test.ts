import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { type Choice, createDecisionList } from './decision-list.ts';
import type { Condition } from './match-conditions.ts';
import type { RouteRequest } from './route-request.ts';

let reads = 0;

function is(name: string, wanted: string): Condition {
  return { ...asks(name, wanted, (text) => text === wanted), value: wanted };
}

function begins(name: string, wanted: string): Condition {
  return asks(name, wanted, (text) => text?.startsWith(wanted) === true);
}

function asks(name: string, wants: string, holds: Condition['holds']): Condition {
  return { field: `headers[${name}]`, wants, read: (request) => (reads++, request.header?.(name)), holds };
}

function requestWith(headers: Readonly<Record<string, string>>): RouteRequest {
  return { path: '/a/B', header: (name) => headers[name] };
}

const names = fc.constantFrom('a', 'b', 'c');
const values = fc.constantFrom('', '1', '12', '2');
const conditions = fc.oneof(
  fc.tuple(names, values).map(([name, value]) => is(name, value)),
  fc.tuple(names, values).map(([name, value]) => begins(name, value)),
);
const lists = fc.array(fc.array(conditions, { maxLength: 3 }), { maxLength: 12 });
const requests = fc.dictionary(names, values).map(requestWith);

test('finds what going through all in order finds', () => {
  const property = fc.property(lists, requests, (list, request) => {
    const choices: readonly Choice<number>[] = list.map((each, result) => ({ result, conditions: each }));
    const expected = choices.find((choice) => choice.conditions.every(({ holds, read }) => holds(read(request))));
    assert.equal(createDecisionList(choices)(request), expected?.result);
  });
  fc.assert(property, { numRuns: 5000, seed: 4 });
});

test('what many ask of one header is read once', () => {
  const tenants = Array.from({ length: 100 }, (_, tenant) => ({
    result: tenant,
    conditions: [is('tenant', `t${tenant}`), begins('user', 'u')],
  }));
  const find = createDecisionList([...tenants, { result: -1, conditions: [] }]);
  reads = 0;
  assert.equal(find(requestWith({ tenant: 't99', user: 'u1' })), 99);
  assert.equal(reads, 2);
  assert.equal(find(requestWith({ tenant: 't99', user: 'v' })), -1);
  assert.equal(find(requestWith({ tenant: 'none' })), -1);
  assert.equal(find(requestWith({})), -1);
});
