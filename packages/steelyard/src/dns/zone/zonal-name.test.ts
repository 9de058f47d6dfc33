import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { narrowToZone, parseZonalName } from './zonal-name.ts';
import type { Endpoint, ServiceEntry } from '@steelyard/core/model';

test('the zone is all that stands left of the word, dots and all', () => {
  const cases: readonly [string, unknown][] = [
    ['us-west-2a.pin._zone.db.prod', { service: 'prod/db', topologyZone: 'us-west-2a', mode: 'pin' }],
    ['corp.example.com.prefer._zone.db.prod', { service: 'prod/db', topologyZone: 'corp.example.com', mode: 'prefer' }],
    ['a.pin.pin._zone.db.prod', { service: 'prod/db', topologyZone: 'a.pin', mode: 'pin' }],
    ['pin._zone.db.prod', undefined],
    ['a.other._zone.db.prod', undefined],
    ['a.pin._zone.db', undefined],
    ['a.pin._zone.x.db.prod', undefined],
  ];
  for (const [name, expected] of cases) assert.deepEqual(parseZonalName(name), expected, name);
});

test('any text has a result', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseZonalName(text)));
});

test('pin has the endpoints of the zone, prefer all where none of them is ready', () => {
  const port = { name: 'grpc', protocol: 'TCP', port: 80, targetPort: 80 } as const;
  const endpoint = (address: string, zone: string | undefined, ready: boolean): Endpoint => ({
    address,
    port: 80,
    family: 'IPv4',
    conditions: { ready, serving: ready, terminating: false },
    ...(zone !== undefined && { zone }),
  });
  const entry: ServiceEntry = {
    service: {
      kind: 'Service',
      namespace: 'prod',
      name: 'db',
      type: 'ClusterIP',
      headless: true,
      clusterIps: [],
      ports: [port],
    },
    ports: [{ port, endpoints: [endpoint('1', 'A', true), endpoint('2', 'b', false), endpoint('3', undefined, true)] }],
  };
  const found = (topologyZone: string, mode: 'pin' | 'prefer'): string[] =>
    narrowToZone(entry, { service: 'prod/db', topologyZone, mode }).ports.flatMap(({ endpoints }) =>
      endpoints.map(({ address }) => address),
    );
  assert.deepEqual(found('a', 'pin'), ['1']);
  assert.deepEqual(found('a', 'prefer'), ['1']);
  assert.deepEqual(found('b', 'pin'), ['2']);
  assert.deepEqual(found('b', 'prefer'), ['1', '2', '3']);
  assert.deepEqual(found('c', 'pin'), []);
});
