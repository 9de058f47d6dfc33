import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  backend,
  codes,
  compile,
  destinationRule,
  FULL,
  NEW,
  OLD,
  pod,
  policyOf,
  service,
  simple,
  slice,
} from '../compile.test-bed.ts';

test('a subset selects by the labels of Pods, and judges readiness within itself', () => {
  const rule = destinationRule('d', {
    host: 'backend',
    ...simple('ROUND_ROBIN'),
    subsets: [
      { name: 'v1', labels: { version: 'v1' }, ...simple('RANDOM') },
      { name: 'v2', labels: { version: 'v2' } },
      { name: 'v3', labels: { version: 'v3' } },
      { name: 'any' },
    ],
  });
  const labelled = [pod('p1', { version: 'v1' }), pod('p2', { version: 'v2', app: 'x' })];
  const snapshot = compile([...backend, ...labelled, rule]);
  const found = ['v1', 'v2', 'v3', 'any'].map((subset) => {
    const cluster = snapshot.clusters.get(`outbound|8000|${subset}|${FULL}`);
    return [cluster?.loadBalancer.kind, cluster?.endpoints.map(({ podName }) => podName)];
  });
  assert.deepEqual(found, [
    ['RANDOM', ['p1']],
    ['ROUND_ROBIN', ['p2']],
    ['ROUND_ROBIN', []],
    ['ROUND_ROBIN', ['p1', 'p2']],
  ]);
  assert.deepEqual(codes(snapshot), ['subset-selects-nothing d']);
  assert.match(snapshot.diagnostics[0]?.message ?? '', /no Pod of its 2 endpoints has the labels version=v3/);
  const without = compile([...backend, rule]);
  assert.match(without.diagnostics[0]?.message ?? '', /Pod objects of 2 of its 2 endpoints are missing/);
});

const away = [service('backend', {}, 'away'), slice('backend', ['p1'], 'away')];
const AWAY = 'backend.away.svc.cluster.local';

const RULES: readonly [string, readonly object[], string, readonly string[]][] = [
  [
    "the client's namespace first",
    [
      destinationRule('a', { host: AWAY, ...simple('RANDOM') }),
      destinationRule('b', { host: 'backend', ...simple('ROUND_ROBIN') }, { namespace: 'away' }),
    ],
    'RANDOM',
    ['destination-rule-shadowed b'],
  ],
  [
    "a wildcard of the client's hides the exact one",
    [
      destinationRule('a', { host: '*.local', ...simple('RANDOM') }),
      destinationRule('b', { host: 'backend', ...simple('ROUND_ROBIN') }, { namespace: 'away' }),
    ],
    'RANDOM',
    ['destination-rule-shadowed b'],
  ],
  [
    "then the Service's namespace",
    [
      destinationRule('b', { host: 'backend', ...simple('ROUND_ROBIN') }, { namespace: 'away' }),
      destinationRule('c', { host: '*.local', ...simple('RANDOM') }, { namespace: 'istio-system' }),
    ],
    'ROUND_ROBIN',
    [],
  ],
  [
    'unless it is private',
    [destinationRule('b', { host: 'backend', exportTo: ['.'], ...simple('ROUND_ROBIN') }, { namespace: 'away' })],
    'LEAST_REQUEST',
    ['not-exported b'],
  ],
  [
    'then the root namespace',
    [destinationRule('c', { host: '*.local', ...simple('RANDOM') }, { namespace: 'istio-system' })],
    'RANDOM',
    [],
  ],
  [
    'not any other',
    [destinationRule('d', { host: AWAY, ...simple('RANDOM') }, { namespace: 'third' })],
    'LEAST_REQUEST',
    ['destination-rule-out-of-reach d'],
  ],
  [
    'and of one elsewhere that is all there is to say',
    [
      destinationRule('b', { host: 'backend', ...simple('ROUND_ROBIN') }, { namespace: 'away' }),
      destinationRule('d', { host: AWAY, ...simple('RANDOM') }, { namespace: 'third' }),
    ],
    'ROUND_ROBIN',
    ['destination-rule-out-of-reach d'],
  ],
];

test('a DestinationRule is looked up near the client first', () => {
  for (const [why, rules, policy, findings] of RULES) {
    const snapshot = compile([...away, ...rules]);
    assert.equal(policyOf(snapshot, `outbound|8000||${AWAY}`), policy, why);
    assert.deepEqual(codes(snapshot), findings, why);
  }
});

test('two DestinationRules of one host and namespace are merged, the oldest first', () => {
  const rules = [
    destinationRule(
      'young',
      { host: 'backend', ...simple('RANDOM'), subsets: [{ name: 's', ...simple('RANDOM') }, { name: 't' }] },
      NEW,
    ),
    destinationRule('old', { host: FULL, subsets: [{ name: 's' }] }, OLD),
    destinationRule(
      'mid',
      { host: 'backend', ...simple('ROUND_ROBIN') },
      { creationTimestamp: '2020-06-01T00:00:00Z' },
    ),
  ];
  for (const ordered of [rules, rules.toReversed()]) {
    const snapshot = compile([...backend, ...ordered]);
    const policies = ['', 's', 't'].map((subset) => policyOf(snapshot, `outbound|8000|${subset}|${FULL}`));
    assert.deepEqual(policies, ['ROUND_ROBIN', 'ROUND_ROBIN', 'ROUND_ROBIN']);
    assert.deepEqual(codes(snapshot), [
      'destination-rules-merged mid',
      'destination-rules-merged young',
      'destination-rule-shadowed young',
      'subset-shadowed young',
    ]);
  }
});

// SidecarScope.DestinationRule takes the last of those that are for all workloads.
test('a younger DestinationRule that fewer namespaces see is not merged, and holds for those', () => {
  const snapshot = compile([
    ...backend,
    destinationRule('old', { host: 'backend', exportTo: ['.', 'away'], ...simple('RANDOM') }, OLD),
    destinationRule('young', { host: 'backend', exportTo: ['.'], subsets: [{ name: 's' }] }, NEW),
    destinationRule('wide', { host: 'backend', exportTo: ['away', '.'], subsets: [{ name: 't' }] }, NEW),
  ]);
  assert.deepEqual(codes(snapshot), ['destination-rule-shadowed old', 'destination-rule-shadowed wide']);
  assert.equal(snapshot.clusters.has(`outbound|8000|s|${FULL}`), true);
  assert.equal(snapshot.clusters.has(`outbound|8000|t|${FULL}`), false);
});
