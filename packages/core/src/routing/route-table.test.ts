import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { createCompiler } from '../compile/index.ts';
import { parseObjects } from '../config/index.ts';
import type { Snapshot } from '../model/index.ts';
import { createRouteTable, type RouteTableOptions } from './route-table.ts';

function service(name: string, namespace: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}

function snapshotOf(...values: readonly object[]): Snapshot {
  const documents = values.map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

const snapshot = snapshotOf(
  service('backend', 'default', { clusterIPs: ['10.97.211.12', 'fd00::1'], ports: [{ port: 8000 }] }),
  service('backend', 'away', {
    ports: [
      { name: 'a', port: 8000 },
      { name: 'b', port: 9000 },
    ],
  }),
  service('two', 'default', {
    ports: [
      { name: 'a', port: 1 },
      { name: 'b', port: 2 },
    ],
  }),
  service('mixed', 'default', {
    ports: [
      { name: 'a', port: 7 },
      { name: 'b', port: 53, protocol: 'UDP' },
    ],
  }),
  service('svc', 'default', { ports: [{ port: 8000 }] }),
  service('backend', 'svc', { ports: [{ port: 5 }] }),
  service('udp', 'default', { ports: [{ port: 53, protocol: 'UDP' }] }),
  service('alias', 'default', { type: 'ExternalName', externalName: 'x.example' }),
);
const options: RouteTableOptions = { namespace: 'default', listenPort: 8000 };

const HERE = 'backend.default.svc.cluster.local:8000';

const FOUND: readonly [string, string][] = [
  ...['backend', 'backend.default', 'backend.default.svc', 'backend.default.svc.cluster.local'].flatMap((name) =>
    [name, `${name}.`, `${name}:8000`, `${name}.:8000`, name.toUpperCase()].map((authority): [string, string] => [
      authority,
      HERE,
    ]),
  ),
  ['10.97.211.12', HERE],
  ['10.97.211.12:8000', HERE],
  ['[fd00::1]', HERE],
  ['[FD00:0::1]:8000', HERE],
  ['fd00::1', HERE],
  ['backend.away', 'backend.away.svc.cluster.local:8000'],
  ['backend.away:9000', 'backend.away.svc.cluster.local:9000'],
  ['mixed', 'mixed.default.svc.cluster.local:7'],
  ['backend.svc', 'backend.svc.svc.cluster.local:5'],
  ['svc.default.svc', 'svc.default.svc.cluster.local:8000'],
];

test('every way to name a Service finds it, again and again', () => {
  const table = createRouteTable(snapshot, options);
  for (const round of [1, 2]) {
    for (const [authority, name] of FOUND)
      assert.equal(table.findVirtualHost(authority)?.name, name, `${authority} ${round}`);
  }
});

const MISSED: readonly [string, string][] = [
  ['', 'The call has no :authority to route by.'],
  ['a b', ':authority "a b" is no host or host:port.'],
  ['user@backend', ':authority "user@backend" is no host or host:port.'],
  ['backend:0', ':authority "backend:0" is no host or host:port.'],
  ['backend:99999', ':authority "backend:99999" is no host or host:port.'],
  ['backend:', ':authority "backend:" is no host or host:port.'],
  ['nope', ':authority "nope" means Service default/nope, which is not known.'],
  ['backend.nope', ':authority "backend.nope" means Service nope/backend, which is not known.'],
  [
    'backend.default.svc.cluster',
    ':authority "backend.default.svc.cluster" is not the name of a Service in cluster.local.',
  ],
  ['10.0.0.1', ':authority "10.0.0.1" is the cluster address of no known Service.'],
  ['backend:81', ':authority "backend:81" means Service default/backend, which has TCP port 8000 and not 81.'],
  ['[fd00::1]:81', ':authority "[fd00::1]:81" means Service default/backend, which has TCP port 8000 and not 81.'],
  [
    'two',
    ':authority "two" names no port, and Service default/two has TCP ports 1, 2 but not 8000, where the call arrived.',
  ],
  ['udp', ':authority "udp" means Service default/udp, which has no TCP port.'],
  ['alias', ':authority "alias" means Service default/alias, which is only a DNS alias.'],
];

test('a miss says what and why', () => {
  const table = createRouteTable(snapshot, options);
  for (const [authority, why] of MISSED) {
    assert.equal(table.findVirtualHost(authority), undefined, authority);
    assert.equal(table.explainMiss(authority), why);
  }
});

test('the Service given is meant by what names none', () => {
  const given = { namespace: 'away', name: 'backend', port: 9000 };
  const table = createRouteTable(snapshot, { ...options, service: given });
  assert.equal(table.findVirtualHost('dns.example:443')?.name, 'backend.away.svc.cluster.local:9000');
  assert.equal(table.findVirtualHost('')?.name, 'backend.away.svc.cluster.local:9000');
  assert.equal(table.findVirtualHost('backend')?.name, HERE);
  const absent = createRouteTable(snapshot, { ...options, service: { ...given, port: 1 } });
  assert.equal(absent.findVirtualHost('x'), undefined);
  assert.match(absent.explainMiss('x'), /, and the Service to fall back on, away\/backend port 1, is not known\.$/);
});

test('any text is answered, and the same each time', () => {
  const table = createRouteTable(snapshot, options);
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('backend', 'default', 'svc', '.', ':', '8000', '[', ']', 'fd00::1') }),
  );
  fc.assert(
    fc.property(text, (authority) => {
      const found = table.findVirtualHost(authority);
      assert.equal(table.findVirtualHost(authority), found);
      assert.match(table.explainMiss(authority), /\.$/);
    }),
    { numRuns: 500, seed: 2 },
  );
});
