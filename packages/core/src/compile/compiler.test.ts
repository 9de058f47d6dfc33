import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import {
  backend,
  codes,
  compile,
  destinationRule,
  FULL,
  NEW,
  OLD,
  routeTo,
  service,
  simple,
  slice,
  targets,
  virtualService,
} from './compile.test-bed.ts';
import { type CompilerOptions, createCompiler } from './compiler.ts';

const ENDPOINT_FINDINGS: readonly [readonly object[], RegExp][] = [
  [[service('backend')], /no EndpointSlice has its name/],
  [[service('backend'), slice('backend', [])], /its EndpointSlices are empty/],
  [[service('backend', { ports: [{ name: 'http', port: 80 }] }), slice('backend', ['p'])], /have "grpc" TCP/],
  [[slice('backend', ['p'])], /Service default\/backend, which is not there/],
];

test('a port without endpoints says why', () => {
  for (const [objects, why] of ENDPOINT_FINDINGS) {
    assert.match(
      compile(objects)
        .diagnostics.map(({ message }) => message)
        .join('\n'),
      why,
    );
  }
});

test('what did not change keeps its identity, wherever it moved in its file', () => {
  const compiler = createCompiler();
  const rule = destinationRule('d', { host: 'backend', ...simple('RANDOM') });
  const first = compile([...backend, ...targets, rule], compiler);
  assert.equal(compile([rule, ...targets, ...backend], compiler, 9), first);
  assert.equal(first.version, 1);

  const second = compile([service('backend'), slice('backend', ['p1']), ...targets, rule], compiler);
  assert.equal(second.version, 2);
  assert.notEqual(second.services.get('default/backend'), first.services.get('default/backend'));
  assert.equal(second.services.get('default/backend')?.service, first.services.get('default/backend')?.service);
  assert.equal(second.services.get('default/x'), first.services.get('default/x'));
  assert.equal(second.virtualHosts, first.virtualHosts);
  assert.notEqual(second.clusters.get(`outbound|8000||${FULL}`), first.clusters.get(`outbound|8000||${FULL}`));
  const other = 'outbound|8000||x.default.svc.cluster.local';
  assert.equal(second.clusters.get(other), first.clusters.get(other));
});

const BREAKAGES: readonly [string, readonly unknown[]][] = [
  ['an error in the object', [service('backend', { ports: 'x' }), backend[1]]],
  ['a syntax error in its document', [undefined, backend[1]]],
  ['its kind is misspelt', [{ ...service('backend'), kind: 'Servce' }, backend[1]]],
  ['its kind is misspelt elsewhere', [backend[1], { ...service('backend'), kind: 'service' }]],
  ['its group is misspelt', [backend[0], { ...backend[1], apiVersion: 'discvery.k8s.io/v1' }]],
  ['its version is misspelt', [backend[0], { ...backend[1], apiVersion: 'discovery.k8s.io/v11' }]],
  ['the List it is in is misspelt', [{ apiVersion: 'v1', kind: 'Lits', items: [backend[0]] }, backend[1]]],
  ['its name is unreadable', [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 3 } }, backend[1]]],
];

test('a broken object keeps its last good version, and only as long as it is there', () => {
  for (const [why, broken] of BREAKAGES) {
    const compiler = createCompiler();
    const good = compile(backend, compiler);
    const second = compile(broken, compiler);
    assert.equal(second.services, good.services, why);
    assert.equal(second.clusters, good.clusters, why);
    assert.equal(
      second.diagnostics.some(({ severity }) => severity === 'error'),
      true,
      why,
    );
    const third = compile([null, backend[1]], compiler);
    assert.equal(third.services.size, 0, why);
  }
});

test('a file that breaks at its end keeps what stood behind it', () => {
  const rule = destinationRule('d', { host: 'backend', ...simple('RANDOM') });
  for (const rest of [[undefined], [backend[0], undefined], ['garb'], [backend[0], 3]]) {
    const compiler = createCompiler();
    const good = compile([...backend, rule], compiler);
    const cut = compile(rest, compiler);
    assert.deepEqual([cut.services, cut.clusters], [good.services, good.clusters], JSON.stringify(rest));
  }
  // An end that can be read is an end: what is not there any more is gone.
  const compiler = createCompiler();
  compile([...backend, rule], compiler);
  const cut = compile([undefined, backend[1]], compiler);
  assert.equal(cut.clusters.get(`outbound|8000||${FULL}`)?.destinationRule, undefined);
  assert.equal(cut.services.size, 1);
});

test('a broken object is known by its name wherever it stands, and a good one of that name is the new one', () => {
  const compiler = createCompiler();
  const good = compile(backend, compiler);
  const moved = compile([backend[1], service('backend', { ports: 'x' })], compiler);
  assert.equal(moved.services, good.services);
  const changed = service('backend', { ports: [{ name: 'grpc', port: 8001 }] });
  const twice = compile([changed, backend[1], service('backend')], compiler);
  assert.equal(twice.services.get('default/backend')?.service.ports[0]?.port, 8001);
});

test('the order of documents changes nothing but the order of findings', () => {
  const all = [
    ...backend,
    ...targets,
    routeTo('a', ['backend'], 'x', NEW),
    routeTo('b', ['backend'], 'y', OLD),
    routeTo('c', [FULL, '*.local'], 'x', OLD),
    routeTo('d', ['*.default.svc.cluster.local'], 'y'),
    destinationRule('d', { host: 'backend', ...simple('RANDOM'), subsets: [{ name: 's' }] }),
    destinationRule('e', { host: FULL, ...simple('ROUND_ROBIN'), subsets: [{ name: 's' }, { name: 't' }] }),
  ];
  const expected = compile(all);
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
      const snapshot = compile(shuffled);
      for (const part of ['services', 'virtualHosts', 'clusters'] as const) {
        assert.deepEqual([...snapshot[part]], [...expected[part]]);
      }
      assert.deepEqual(codes(snapshot).toSorted(), codes(expected).toSorted());
    }),
    { numRuns: 50, seed: 5 },
  );
});

test('the cluster domain and the client namespace are the caller’s', () => {
  const options: CompilerOptions = { clusterDomain: 'Corp.Example', clientNamespace: 'away' };
  const hidden = virtualService('v', { hosts: ['backend'], exportTo: ['.'], http: [{ redirect: { uri: '/' } }] });
  const snapshot = compile([...backend, hidden], createCompiler(options));
  assert.deepEqual([...snapshot.virtualHosts.keys()], ['backend.default.svc.corp.example:8000']);
  assert.equal(codes(snapshot).includes('not-exported v'), true);
});
