import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { type ParsedObjects, parseObjects } from '@steelyard/core/config';
import type { Snapshot } from '@steelyard/core/model';
import { selectRoute } from '@steelyard/core/routing';
import { parseManifest } from '../../kube/parse-manifest.ts';

const HEAD = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: rules }
spec:
  hosts: [backend]
`;
const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: backend }
spec: { ports: [{ name: grpc, port: 8000 }] }
`;
const GOOD = `${HEAD}  http: [{ name: good, route: [{ destination: { host: backend } }] }]\n`;
const route = 'route: [{ destination: { host: backend } }]';

function read(rules: string): ParsedObjects {
  const documents = parseManifest('rules.yaml', `${rules}---\n${SERVICE}`);
  return parseObjects(documents, { defaultNamespace: 'default' });
}

/** What is wrong, the code and the line of the first error. */
const BROKEN: readonly (readonly [is: string, rules: string, code: string, line: number])[] = [
  ['a weight below zero', 'http: [{ route: [{ destination: { host: a }, weight: -1 }] }]', 'invalid-value', 6],
  ['a weight that is no number', 'http: [{ route: [{ destination: { host: a }, weight: .nan }] }]', 'wrong-type', 6],
  ['a weight beyond all bounds', 'http: [{ route: [{ destination: { host: a }, weight: 1e99 }] }]', 'invalid-value', 6],
  [
    'weights of nothing',
    'http:\n    - route:\n        - { destination: { host: a }, weight: 0 }\n        - { destination: { host: b }, weight: 0 }',
    'invalid-value',
    7,
  ],
  ['two actions', `http: [{ redirect: { uri: /x }, ${route} }]`, 'invalid-value', 6],
  ['no action', 'http: [{ name: a }]', 'missing-field', 6],
  ['a delegate beside a route', `http: [{ delegate: { name: a }, ${route} }]`, 'invalid-value', 6],
  [
    'a pattern that repeats without bound',
    `http: [{ match: [{ uri: { regex: '((a{1000}){1000}){1000}' } }], ${route} }]`,
    'invalid-value',
    6,
  ],
  ['a pattern that looks ahead', `http: [{ match: [{ uri: { regex: '(?=a)' } }], ${route} }]`, 'invalid-value', 6],
  ['a pattern that looks back', `http: [{ match: [{ uri: { regex: '(a)\\1' } }], ${route} }]`, 'invalid-value', 6],
  [
    'ten thousand brackets',
    `http: [{ match: [{ uri: { regex: '${'('.repeat(10_000)}' } }], ${route} }]`,
    'invalid-value',
    6,
  ],
  ['hosts that overlap', `http: [{ ${route} }]\n  hosts: ['*.a.example', b.a.example]`, 'syntax-error', 7],
  ['a list for a mapping', 'http: { route: [] }', 'wrong-type', 6],
  ['aliases without end', 'http: [&a { route: *a }]', 'wrong-type', 6],
];

function routeName(snapshot: Snapshot): string | undefined {
  const host = snapshot.virtualHosts.get('backend.default.svc.cluster.local:8000');
  return host && selectRoute(host, { path: '/a' })?.name;
}

test('what cannot be is an error at its line, and the last good version stays in force', () => {
  for (const [is, rules, code, line] of BROKEN) {
    const compiler = createCompiler();
    assert.equal(routeName(compiler.compile(read(GOOD))), 'good');
    const parsed = read(`${HEAD}  ${rules}\n`);
    const error = parsed.diagnostics.find(({ severity }) => severity === 'error');
    assert.deepEqual([error?.code, error?.position?.line], [code, line], `${is}: ${error?.message.slice(0, 200)}`);
    assert.equal(error?.position?.file, 'rules.yaml');
    assert.equal(routeName(compiler.compile(parsed)), 'good', is);
  }
});

test('delegates in a circle lead nowhere, with an error at each', () => {
  const other = GOOD.replace('name: rules', 'name: other').replace('  hosts: [backend]\n', '');
  const circle = other.replace(/http: .*/, 'http: [{ delegate: { name: rules } }]');
  for (const [first, second, codes] of [
    ['other', circle, ['invalid-value', 'delegate-unknown']],
    ['rules', other, ['delegate-unknown']],
  ] as const) {
    const root = `${HEAD}  http: [{ delegate: { name: ${first} } }]\n`;
    const parsed = read(`${root}---\n${second}`);
    const { diagnostics } = createCompiler().compile(parsed);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    assert.deepEqual(
      errors.map(({ code }) => code),
      codes,
    );
    assert.ok(errors.every(({ position }) => position?.line !== undefined));
  }
});

test('a pattern takes time in proportion to the text, however it is written', () => {
  const evil = ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*a){12}b', `${'a?'.repeat(200)}${'a'.repeat(200)}b`];
  const text = `/${'a'.repeat(20_000)}`;
  for (const pattern of evil) {
    const rules = `${HEAD}  http: [{ match: [{ uri: { regex: '/${pattern}' } }], ${route} }]\n`;
    const host = createCompiler().compile(read(rules)).virtualHosts.get('backend.default.svc.cluster.local:8000');
    const before = process.cpuUsage();
    assert.equal(host && selectRoute(host, { path: text }), undefined, pattern);
    const { user } = process.cpuUsage(before);
    // Backtracking would take longer than there is time.
    assert.ok(user < 20_000_000, `${pattern}: ${user / 1e6} s`);
  }
});
