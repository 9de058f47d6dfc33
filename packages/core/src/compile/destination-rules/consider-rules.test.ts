import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { ConsideredRule, Snapshot } from '../../model/index.ts';
import { compile, destinationRule, NEW, OLD, service, simple, slice } from '../compile.test-bed.ts';
import { createCompiler } from '../compiler.ts';

const HOST = 'backend.shop.svc.cluster.local';
const CLUSTER = `outbound|8000||${HOST}`;
const SERVICES = [service('backend', {}, 'shop'), slice('backend', ['p1'], 'shop')];

/** The callers are in `default`, the Service in `shop`. */
function rule(name: string, namespace: string, host: string, spec: object = {}, metadata: object = OLD): object {
  return destinationRule(name, { host, ...simple('RANDOM'), ...spec }, { namespace, ...metadata });
}

function told(snapshot: Snapshot): readonly string[] {
  const render = ({ object, is, by, policyOf }: ConsideredRule): string => {
    const other = by === undefined ? '' : ` ${by.namespace}/${by.name}`;
    return `${object.namespace}/${object.name} ${is}${other}${policyOf === undefined ? '' : ` for ${policyOf.name}`}`;
  };
  const considered = snapshot.consideredRules?.get(HOST);
  return [...(considered?.at === undefined ? [] : [considered.at]), ...(considered?.rules.map(render) ?? [])];
}

const web = { workloadSelector: { matchLabels: { app: 'web' } } };
const batch = { workloadSelector: { matchLabels: { app: 'batch' } } };

const CASES: readonly (readonly [string, readonly object[], readonly string[]])[] = [
  ['the only one, for just this host, has nothing to tell', [rule('a', 'shop', 'backend')], []],
  ['the only one, by a wildcard', [rule('a', 'shop', '*.local')], ['service', 'shop/a chosen']],
  ['a rule for another host is none of it', [rule('a', 'shop', 'backend'), rule('b', 'shop', 'other')], []],
  [
    'a wildcard loses to the exact host, and to a longer one',
    [rule('a', 'shop', 'backend'), rule('b', 'shop', '*.shop.svc.cluster.local'), rule('c', 'shop', '*')],
    ['service', 'shop/a chosen', 'shop/b wider shop/a', 'shop/c wider shop/a'],
  ],
  [
    "the callers' namespace comes before the Service's, that before the root one, whatever fits better",
    [rule('a', 'istio-system', HOST), rule('b', 'shop', 'backend'), rule('c', 'default', '*.local')],
    ['callers', 'default/c chosen', 'istio-system/a later default/c', 'shop/b later default/c'],
  ],
  [
    'others are not looked in, and exportTo hides',
    [rule('a', 'third', HOST), rule('b', 'shop', 'backend', { exportTo: ['.'] }), rule('c', 'istio-system', '*.local')],
    ['root', 'istio-system/c chosen', 'third/a out-of-reach', 'shop/b not-exported'],
  ],
  [
    'what is hidden hides the wider ones beside it',
    [rule('a', 'shop', 'backend', { exportTo: ['third'] }), rule('b', 'shop', '*.local')],
    ['shop/a not-exported', 'shop/b wider shop/a'],
  ],
  [
    'merged ones are told with whose policy holds',
    [
      rule('a', 'shop', 'backend', { trafficPolicy: undefined }),
      rule('b', 'shop', 'backend', {}, NEW),
      rule('c', 'shop', HOST, {}, NEW),
    ],
    ['service', 'shop/a chosen', 'shop/b merged shop/a', 'shop/c merged shop/a for b'],
  ],
  [
    'another exportTo keeps them apart: the youngest holds',
    [rule('a', 'shop', 'backend'), rule('b', 'shop', 'backend', { exportTo: ['default'] }, NEW)],
    ['service', 'shop/b chosen', 'shop/a apart shop/b'],
  ],
  [
    'a selector counts before all, and only for its own',
    [
      rule('a', 'default', HOST),
      rule('b', 'default', HOST, web),
      rule('c', 'default', HOST, batch),
      rule('d', 'default', HOST, { exportTo: ['.'] }),
    ],
    [
      'callers',
      'default/b chosen',
      'default/d merged default/b for b',
      'default/a apart default/b',
      'default/c not-selected',
    ],
  ],
  [
    "one for others ends the search in the callers' namespace",
    [rule('a', 'default', HOST, batch), rule('b', 'shop', 'backend')],
    ['callers', 'default/a not-selected', 'shop/b later default/a'],
  ],
];

test('of every rule for a host it is told what became of it', () => {
  for (const [why, rules, expected] of CASES) {
    for (const ordered of [rules, rules.toReversed()]) {
      const snapshot = compile([...SERVICES, ...ordered], createCompiler({ clientLabels: { app: 'web' } }));
      assert.deepEqual(told(snapshot), expected, why);
    }
  }
});

test('callers in the root namespace look there first for what is private to it', () => {
  const rules = [rule('a', 'istio-system', HOST), rule('b', 'istio-system', '*', { exportTo: ['.'] })];
  const compiler = createCompiler({ clientNamespace: 'istio-system' });
  assert.deepEqual(told(compile([...SERVICES, ...rules], compiler)), [
    'callers',
    'istio-system/b chosen',
    'istio-system/a later istio-system/b',
  ]);
});

test('of very many rules only some are told one by one', () => {
  const rules = Array.from({ length: 40 }, (_, index) => rule(`r${index}`, `n${index}`, '*'));
  const considered = compile([...SERVICES, ...rules]).consideredRules?.get(HOST);
  assert.deepEqual([considered?.rules.length, considered?.more], [24, 16]);
});

const anyRule = fc.record({
  namespace: fc.constantFrom('default', 'shop', 'istio-system', 'third'),
  host: fc.constantFrom(HOST, '*.shop.svc.cluster.local', '*.local', '*', 'other.shop.svc.cluster.local'),
  exportTo: fc.constantFrom([], ['*'], ['.'], ['default'], ['shop', '.'], ['third', 'shop']),
  selects: fc.constantFrom(undefined, 'web', 'batch'),
});

test('what is told agrees with what decides, and leaves out no rule that fits', () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 7 }),
      fc.constantFrom('default', 'shop', 'istio-system'),
      (specs, clientNamespace) => {
        const rules = specs.map(({ namespace, host, exportTo, selects }, index) => {
          const selector = selects === undefined ? {} : { workloadSelector: { matchLabels: { app: selects } } };
          return rule(`r${index}`, namespace, host, { exportTo, ...selector });
        });
        const compiler = createCompiler({ clientNamespace, clientLabels: { app: 'web' } });
        const snapshot = compile([...SERVICES, ...rules], compiler);
        const decides = snapshot.clusters.get(CLUSTER)?.destinationRule;
        const entries = snapshot.consideredRules?.get(HOST)?.rules;
        const fitting = specs.flatMap(({ host }, index) => (host.startsWith('other') ? [] : [`r${index}`]));
        if (entries === undefined) {
          assert.deepEqual(decides === undefined ? [] : [decides.name], fitting);
          return;
        }
        const chosen = entries.filter(({ is }) => is === 'chosen').map(({ object }) => object);
        assert.deepEqual(chosen, decides === undefined ? [] : [decides]);
        assert.deepEqual(entries.map(({ object }) => object.name).toSorted(), fitting);
        for (const { by } of entries) {
          assert.ok(by === undefined || entries.some(({ object }) => object.name === by.name));
        }
      },
    ),
    { seed: 4, numRuns: 400 },
  );
});
