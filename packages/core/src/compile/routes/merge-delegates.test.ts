import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend, compile, FULL, service, slice, virtualService } from '../compile.test-bed.ts';

const route = [{ destination: { host: 'backend' } }];
const child = (http: readonly object[], metadata: object = {}): object =>
  virtualService('child', { http }, { namespace: 'away', ...metadata });
const root = (http: readonly object[]): object =>
  virtualService('root', { hosts: ['backend'], http: http.map((rule) => ({ ...DELEGATE, ...rule })) });
const DELEGATE = { delegate: { name: 'child', namespace: 'away' } };
const away = [service('backend', {}, 'away'), slice('backend', ['q'], 'away')];

/** Findings of a code: whose field, and where. */
function places(code: string, objects: readonly object[]): readonly string[] {
  return compile([...backend, ...away, ...objects]).diagnostics.flatMap((one) =>
    one.code === code ? [`${one.object?.name ?? ''} ${one.path ?? ''}`] : [],
  );
}

const labels = (app: string): object => ({ sourceLabels: { [app]: 'x' } });

test('a finding about what the root says is of the root', () => {
  const cases: readonly [readonly object[], readonly object[], readonly string[]][] = [
    [[{ match: [labels('a')] }], [{ route }], ['root spec.http[0].match[0]']],
    [[{ match: [labels('a')] }], [{ match: [{ port: 8000 }], route }], ['root spec.http[0].match[0]']],
    [[{ match: [{ port: 8000 }] }], [{ match: [labels('b')], route }], ['child spec.http[0].match[0]']],
    [[{}], [{ match: [labels('b')], route }], ['child spec.http[0].match[0]']],
    [
      [{ match: [labels('a')] }],
      [{ match: [labels('b')], route }],
      ['root spec.http[0].match[0]', 'child spec.http[0].match[0]'],
    ],
  ];
  for (const [roots, children, expected] of cases) {
    assert.deepEqual(places('callers-unknown', [root(roots), child(children)]), expected, JSON.stringify(children));
  }
  const mirror = { host: 'nope' };
  const unknown = 'destination-unknown-host';
  assert.deepEqual(places(unknown, [root([{ mirror }]), child([{ route }])]), ['root spec.http[0].mirror']);
  assert.deepEqual(places(unknown, [root([{ mirror }]), child([{ mirror, route }])]), ['child spec.http[0].mirror']);
});

/** Names, owners and reasons of the rules that are left out. */
function leftOut(objects: readonly object[]): readonly string[] {
  const host = compile([...backend, ...away, ...objects]).virtualHosts.get(`${FULL}:8000`);
  return (host?.leftOut?.rules ?? []).map(
    ({ name, virtualService: one, after, why }) => `${after} ${name} of ${one.name}: ${why}`,
  );
}

test('a rule without its delegate is left out, and so is what takes nothing of it', () => {
  const last = { delegate: undefined, route };
  assert.deepEqual(leftOut([root([{ match: [{ uri: { prefix: '/a' } }] }, last])]), [
    '0 http[0] of root: its delegate away/child is not there or has hosts of its own',
  ]);
  const hidden = virtualService('child', { http: [{ route }], exportTo: ['.'] }, { namespace: 'away' });
  assert.deepEqual(leftOut([root([{ name: 'r' }, last]), hidden]), [
    '0 r of root: its delegate away/child is not exported to default',
  ]);
  const uri = (prefix: string): object => ({ match: [{ uri: { prefix } }] });
  assert.deepEqual(
    leftOut([
      root([uri('/a'), last]),
      child([
        { ...uri('/ab'), route },
        { ...uri('/b'), route },
      ]),
    ]),
    ['1 http[1] of child: its match takes nothing of what default/root delegates to it'],
  );
});
