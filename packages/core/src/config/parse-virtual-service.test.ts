import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualService } from './config-object.ts';
import { parseObjects } from './parse-objects.ts';

function parse(
  spec: unknown,
  apiVersion = 'networking.istio.io/v1',
): { found: VirtualService | undefined; findings: string[] } {
  const value = { apiVersion, kind: 'VirtualService', metadata: { name: 'v' }, spec };
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'home',
  });
  const object = objects[0]?.object;
  return {
    found: object?.kind === 'VirtualService' ? object : undefined,
    findings: diagnostics.map(({ code, path }) => `${code} ${path ?? ''}`),
  };
}

const toA = { destination: { host: 'a' } };
const route = [toA];

/** The spec with one rule for host `a`. */
function withRule(rule: object): object {
  return { hosts: ['a'], http: [rule] };
}

test('hosts, destinations and weights are read the same under all three versions', () => {
  for (const version of ['v1', 'v1beta1', 'v1alpha3']) {
    const destinations = [
      { destination: { host: 'a', subset: 'v1', port: { number: 80 } }, weight: 90 },
      { destination: { host: 'B.example' }, weight: 10 },
    ];
    const { found, findings } = parse(
      { hosts: ['A', '*.b'], http: [{ name: 'n', route: destinations }] },
      `networking.istio.io/${version}`,
    );
    assert.deepEqual(findings, []);
    assert.deepEqual(
      found?.hosts.map(({ host }) => host),
      ['a', '*.b'],
    );
    assert.deepEqual(found?.gateways, ['mesh']);
    assert.deepEqual(
      found?.http?.map(({ name, destinations: read }) => [name, read.map(({ place: _place, ...rest }) => rest)]),
      [
        [
          'n',
          [
            { host: 'a', subset: 'v1', port: 80, weight: 90 },
            { host: 'b.example', weight: 10 },
          ],
        ],
      ],
    );
  }
});

/** Every other field of the schema of an HTTP rule, and whether a rule with it is still served. */
const RULE_FIELDS: readonly [object, string, boolean][] = [
  [{ match: [{ uri: { prefix: '/x' } }] }, 'rule-not-served spec.http[0].match', false],
  [{ match: [{ headers: { v: { exact: '1' } } }] }, 'rule-not-served spec.http[0].match', false],
  [{ match: [{ port: 80 }] }, 'rule-not-served spec.http[0].match', false],
  [{ match: [{ sourceLabels: { a: 'b' } }] }, 'rule-not-served spec.http[0].match', false],
  [{ match: [{ uri: { prefix: '/', exact: '/x' } }] }, 'rule-not-served spec.http[0].match', false],
  [{ rewrite: { uri: '/x' } }, 'rule-not-served spec.http[0].rewrite', false],
  [{ rewrite: { uriRegexRewrite: { match: 'a', rewrite: 'b' } } }, 'rule-not-served spec.http[0].rewrite', false],
  [{ rewrite: { authority: 'x' } }, 'field-not-honoured spec.http[0].rewrite', true],
  [{ timeout: '5s' }, 'field-not-honoured spec.http[0].timeout', true],
  [{ retries: { attempts: 3 } }, 'field-not-honoured spec.http[0].retries', true],
  [{ fault: { abort: { httpStatus: 503 } } }, 'field-not-honoured spec.http[0].fault', true],
  [{ mirror: { host: 'b' } }, 'field-not-honoured spec.http[0].mirror', true],
  [{ mirrors: [{ destination: { host: 'b' } }] }, 'field-not-honoured spec.http[0].mirrors', true],
  [{ mirrorPercent: 5 }, 'field-not-honoured spec.http[0].mirrorPercent', true],
  [{ mirrorPercentage: { value: 5 } }, 'field-not-honoured spec.http[0].mirrorPercentage', true],
  [{ headers: { request: { set: { a: 'b' } } } }, 'field-not-honoured spec.http[0].headers', true],
  [
    { route: [{ ...toA, headers: { request: { set: { a: 'b' } } } }] },
    'field-not-honoured spec.http[0].route[0].headers',
    true,
  ],
  [{ corsPolicy: { maxAge: '1h' } }, 'field-without-effect spec.http[0].corsPolicy', true],
  [{ retires: {} }, 'unknown-field spec.http[0].retires', true],
  [{ route: [{ destination: { host: 'a', prot: 1 } }] }, 'unknown-field spec.http[0].route[0].destination.prot', true],
];

test('a field that is not honoured is reported, and never turns a rule into a catch-all', () => {
  for (const [fields, finding, served] of RULE_FIELDS) {
    const { found, findings } = parse(withRule({ route, ...fields }));
    assert.deepEqual(findings, [finding]);
    assert.equal(found?.http?.length, served ? 1 : 0, finding);
  }
  for (const field of ['redirect', 'directResponse', 'delegate']) {
    const { found, findings } = parse(withRule({ [field]: { status: 200 } }));
    assert.deepEqual(findings, [`rule-not-served spec.http[0].${field}`]);
    assert.deepEqual(found?.http, []);
  }
});

test('a match that asks for nothing takes every call', () => {
  for (const match of [[], [{}], [{ name: 'all' }], [{ uri: { exact: '/x' } }, { uri: { prefix: '/' } }]]) {
    const { found, findings } = parse(withRule({ match, route }));
    assert.deepEqual([found?.http?.length, findings], [1, []], JSON.stringify(match));
  }
});

test('behind a rule that takes every call, served or not, no rule is reached', () => {
  for (const first of [{ route }, { redirect: { uri: '/x' } }]) {
    const { found, findings } = parse({ hosts: ['a'], http: [first, { route }] });
    assert.equal(findings.at(-1), 'rule-unreachable spec.http[1]');
    assert.equal(found?.http?.length, 'route' in first ? 1 : 0);
  }
});

const SPEC_FIELDS: readonly [object, string][] = [
  [{ tcp: [{ route }] }, 'field-without-effect spec.tcp'],
  [{ tls: [{ route }] }, 'field-without-effect spec.tls'],
  [{ gateways: ['istio-system/gw'] }, 'not-in-mesh spec.gateways'],
  [{ gateways: ['mesh', 'gw'] }, 'field-not-honoured spec.gateways'],
  [{ hosts: [] }, 'field-not-honoured spec'],
  [{ htpp: [] }, 'unknown-field spec.htpp'],
];

test('fields beside the rules are reported, and the object is used', () => {
  for (const [fields, finding] of SPEC_FIELDS) {
    const { found, findings } = parse({ ...withRule({ route }), ...fields });
    assert.deepEqual(findings, [finding]);
    assert.notEqual(found, undefined);
  }
});

test('without an HTTP part there are no rules, not an empty list of them', () => {
  const { found } = parse({ hosts: ['a'], tcp: [{ route }] });
  assert.notEqual(found, undefined);
  assert.equal(found?.http, undefined);
});

const WRONG: readonly [unknown, string][] = [
  [{ hosts: ['a'] }, 'missing-field spec'],
  [{ hosts: ['a'], http: [] }, 'missing-field spec'],
  [{ ...withRule({ route }), hosts: ['*'] }, 'invalid-value spec.hosts[0]'],
  [{ ...withRule({ route }), hosts: ['a_b'] }, 'invalid-value spec.hosts[0]'],
  [{ ...withRule({ route }), hosts: ['a', 'A'] }, 'invalid-value spec.hosts[1]'],
  [{ ...withRule({ route }), hosts: ['*.foo.com', 'a.foo.com'] }, 'invalid-value spec.hosts[1]'],
  [{ ...withRule({ route }), hosts: [1] }, 'wrong-type spec.hosts[0]'],
  [{ ...withRule({ route }), exportTo: ['A'] }, 'invalid-value spec.exportTo[0]'],
  [{ ...withRule({ route }), exportTo: ['*', 'a'] }, 'invalid-value spec.exportTo'],
  [withRule({}), 'missing-field spec.http[0]'],
  [withRule({ route: [] }), 'missing-field spec.http[0]'],
  [withRule({ route, redirect: { uri: '/' } }), 'invalid-value spec.http[0].redirect'],
  [withRule({ route: [{ weight: 1 }] }), 'missing-field spec.http[0].route[0]'],
  [withRule({ route: [{ destination: {} }] }), 'missing-field spec.http[0].route[0].destination'],
  [withRule({ route: [{ destination: { host: '*.a' } }] }), 'invalid-value spec.http[0].route[0].destination.host'],
  [
    withRule({ route: [{ destination: { host: 'a', port: {} } }] }),
    'missing-field spec.http[0].route[0].destination.port',
  ],
  [
    withRule({ route: [{ destination: { host: 'a', port: { number: 0 } } }] }),
    'invalid-value spec.http[0].route[0].destination.port.number',
  ],
  [withRule({ route: [{ ...toA, weight: -1 }] }), 'invalid-value spec.http[0].route[0].weight'],
  [withRule({ route: [{ ...toA, weight: '5' }] }), 'wrong-type spec.http[0].route[0].weight'],
  [withRule({ route: [toA, toA] }), 'invalid-value spec.http[0].route'],
  [withRule({ route, match: [3] }), 'wrong-type spec.http[0].match[0]'],
];

test('what is wrong is said with its place, and the object is not used', () => {
  for (const [spec, finding] of WRONG) {
    const { found, findings } = parse(spec);
    assert.ok(findings.includes(finding), `${JSON.stringify(spec)}: ${findings.join(', ')}`);
    assert.equal(found, undefined);
  }
});
