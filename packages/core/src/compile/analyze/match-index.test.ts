import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { HttpMatch } from '../../config/index.ts';
import type { NamedMatch, RouteMatch, TextMatch } from '../../model/index.ts';
import { isSame } from '../same.ts';
import { createMatchIndex } from './match-index.ts';

/** The same by comparing each with all before it. */
function slowly(matches: readonly HttpMatch[]): readonly (HttpMatch | undefined)[] {
  return matches.map((match, index) => matches.slice(0, index).find((before) => takesAllOf(before, match)));
}

function takesAllOf(before: HttpMatch, match: HttpMatch): boolean {
  const { conditions: wide, place: _before, ...wideScope } = before;
  const { conditions: narrow, place: _match, ...narrowScope } = match;
  if (!isSame(wideScope, narrowScope)) return false;
  const { path: widePath, name: _wideName, ...wideRest } = wide;
  const { path: narrowPath, name: _narrowName, ...narrowRest } = narrow;
  const { headers, withoutHeaders, queryParameters, method, scheme, authority, ignoreCase } = wide;
  const onlyPath =
    headers.length + withoutHeaders.length + queryParameters.length === 0 &&
    [method, scheme, authority].every((part) => part === undefined) &&
    ignoreCase === narrow.ignoreCase;
  return (onlyPath || isSame(wideRest, narrowRest)) && covers(widePath, narrowPath);
}

function covers(wide: TextMatch | undefined, narrow: TextMatch | undefined): boolean {
  if (wide === undefined || isSame(wide, narrow)) return true;
  if (narrow === undefined || wide.kind !== 'prefix') return false;
  return (narrow.kind === 'exact' || narrow.kind === 'prefix') && narrow.text.startsWith(wide.text);
}

type Labels = Readonly<Record<string, string>>;

const texts = fc.oneof(
  ...(['exact', 'prefix'] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind), text: fc.string({ unit: fc.constantFrom('/', 'a', 'b'), maxLength: 3 }) }),
  ),
  fc.record({ kind: fc.constant('regex' as const), pattern: fc.constantFrom('a.*', 'b') }),
  fc.record({ kind: fc.constant('present' as const) }),
);
/** Few words, so that many are alike. */
const rarely = <T>(some: fc.Arbitrary<T>, none: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(none) }, { weight: 1, arbitrary: some });
const none: readonly NamedMatch[] = [];
const named: fc.Arbitrary<readonly NamedMatch[]> = rarely(
  fc.array(fc.record({ name: fc.constantFrom('h', 'i'), match: texts }), { maxLength: 2 }),
  none,
);
const conditions: fc.Arbitrary<RouteMatch> = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.record({ path: texts }) }, { weight: 1, arbitrary: fc.constant({}) }),
    fc.record({ headers: named, withoutHeaders: named, queryParameters: named }),
    rarely<Pick<RouteMatch, 'method'>>(fc.record({ method: texts }), {}),
    fc.record(
      {
        name: fc.constantFrom('x', 'y'),
        ignoreCase: fc.constant(true as const),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([path, lists, method, others]) => ({ ...others, ...path, ...method, ...lists }));
const matches: fc.Arbitrary<readonly HttpMatch[]> = fc
  .array(
    fc.tuple(
      conditions,
      rarely(fc.constantFrom<Labels>({ a: '1', b: '2' }, { b: '2', a: '1' }), {}),
      rarely(fc.constant(80), 0),
    ),
    { minLength: 10, maxLength: 40 },
  )
  .map((all) =>
    all.map(([one, sourceLabels, port], index) => ({
      conditions: one,
      ...(port > 0 && { port }),
      sourceLabels,
      sourceNamespace: '',
      gateways: [],
      place: { path: `${index}` },
    })),
  );

test('the first match that takes all of another is found, as by comparing each with all before it', () => {
  let found = 0;
  fc.assert(
    fc.property(matches, (all) => {
      const index = createMatchIndex();
      const others = all.map((match) => index.add(match)?.place.path);
      found += others.filter((other) => other !== undefined).length;
      assert.deepEqual(
        others,
        slowly(all).map((other) => other?.place.path),
      );
    }),
    { numRuns: 500 },
  );
  assert.ok(found > 1000, `${found}: the cases must have some`);
});

test('many ordinary matches take no more than a walk over them', () => {
  const match = (path: TextMatch): HttpMatch => ({
    conditions: { path, headers: [], withoutHeaders: [], queryParameters: [] },
    sourceLabels: {},
    sourceNamespace: '',
    gateways: [],
    place: { path: '' },
  });
  const index = createMatchIndex();
  // Pairwise it would be 1.25e9 comparisons.
  for (let at = 0; at < 50_000; at++) {
    assert.equal(index.add(match({ kind: at % 2 === 0 ? 'exact' : 'prefix', text: `/s${at}/` })), undefined);
  }
  assert.ok(index.add(match({ kind: 'exact', text: '/s1/m' })) !== undefined);
});
