import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, routeTo, service, slice, targets, virtualService } from '../compile/compile.test-bed.ts';
import { findRoute } from './select-route.ts';
import { createRouteTable } from './route-table.ts';

const options = { namespace: 'default', listenPort: 8000 };
const HOST = 'c.default.svc.cluster.local';
const headless = [service('c', { clusterIP: 'None' }), slice('c', ['c-1']), ...targets];
const balanced = [service('c', { clusterIP: '10.96.0.1' }), slice('c', ['c-1']), ...targets];
const LONG = 'a'.repeat(63);

/** An authority under the name of the Service, and whether it is the Service's when that is headless. */
const NAMES: readonly [string, boolean][] = [
  [`c-1.${HOST}`, true],
  [`C-1.${HOST}.:8000`, true],
  ['c-1.c', true],
  ['c-1.c.default', true],
  ['c-1.c.default.svc:8000', true],
  // As Envoy's domains, which know nothing of labels.
  [`a.b.${HOST}`, true],
  [`${LONG}.${HOST}`, true],
  [`${LONG}a.${HOST}`, false],
  [`${`${LONG}.`.repeat(3)}${'a'.repeat(33)}.${HOST}`, true],
  [`${`${LONG}.`.repeat(3)}${'a'.repeat(34)}.${HOST}`, false],
  [`.${HOST}`, false],
  [`a..${HOST}`, false],
  [`c-1.${HOST}:81`, false],
  ['c-1.c.away', false],
  ['c-1', false],
];

test('names under that of a headless Service are the Service’s, with its routes', () => {
  const rule = virtualService('v', { hosts: ['c'], http: [{ route: [{ destination: { host: 'x' } }] }] });
  const [with_, without] = [headless, balanced].map((objects) =>
    createRouteTable(compile([...objects, rule]), options),
  );
  for (const [authority, holds] of NAMES) {
    const host = with_?.findVirtualHost(authority);
    assert.equal(host?.host, holds ? HOST : undefined, authority);
    const hit = host && findRoute(host, { path: '/a/b', authority });
    assert.equal(hit?.route.virtualService?.name, holds ? 'v' : undefined, authority);
    assert.equal(without?.findVirtualHost(authority), undefined, authority);
  }
  assert.equal(
    with_?.explainMiss(`c-1.${HOST}:81`),
    `:authority "c-1.${HOST}:81" means a pod of Service default/c, which has TCP port 8000 and not 81.`,
  );
});

test('a host that fits better stands before it: the same name, or as long a wildcard', () => {
  for (const [host, better] of [
    [`c-1.${HOST}`, true],
    [`*-1.${HOST}`, true],
    [`*.${HOST}`, true],
    ['*.default.svc.cluster.local', false],
    ['*.local', false],
  ] as const) {
    const table = createRouteTable(compile([...headless, routeTo('v', [host], 'x')]), options);
    for (const authority of [`c-1.${HOST}`, 'c-1.c']) {
      assert.equal(table.findVirtualHost(authority)?.host, better ? host : HOST);
    }
  }
});

test('an alias has the virtual host of the Service that it leads to, unless rules speak of itself', () => {
  const alias = (name: string, externalName: string): object =>
    service(name, { type: 'ExternalName', externalName, ports: undefined });
  const objects = [
    ...balanced,
    alias('alias', `${HOST}.`),
    alias('second', 'alias.default.svc.cluster.local'),
    alias('circle', 'circle.default.svc.cluster.local'),
    alias('short', 'c'),
    alias('out', 'x.example'),
  ];
  const table = createRouteTable(compile(objects), options);
  const found = (authority: string): string | undefined => table.findVirtualHost(authority)?.name;
  for (const authority of ['alias', 'second', 'alias:8000', 'alias.default.svc.cluster.local']) {
    assert.equal(found(authority), `${HOST}:8000`, authority);
  }
  for (const authority of ['alias:81', 'circle', 'short', 'out']) assert.equal(found(authority), undefined, authority);
  assert.match(table.explainMiss('alias:81'), /means Service default\/c, which has TCP port 8000 and not 81/);
  assert.match(table.explainMiss('circle'), /means Service default\/circle, which is only a DNS alias/);
  const ruled = createRouteTable(compile([...objects, routeTo('v', ['alias'], 'x')]), options);
  assert.equal(ruled.findVirtualHost('alias')?.virtualService?.name, 'v');
});
