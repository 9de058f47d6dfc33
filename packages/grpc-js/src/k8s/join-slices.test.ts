import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EndpointSlice } from '@steelyard/core/config';
import { joinSlices } from './join-slices.ts';

const READY = { ready: true, serving: true, terminating: false };
const DRAINING = { ready: false, serving: true, terminating: true };
const UNREADY = { ready: false, serving: false, terminating: false };

type Entry = readonly [address: string, conditions?: typeof READY];

function slice(entries: readonly Entry[], change: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    kind: 'EndpointSlice',
    namespace: 'shop',
    name: 's',
    family: 'IPv4',
    ports: [
      { name: 'metrics', protocol: 'TCP', port: 9090 },
      { name: 'grpc', protocol: 'UDP', port: 1 },
      { name: 'grpc', protocol: 'TCP', port: 8000 },
    ],
    endpoints: entries.map(([address, conditions = READY]) => ({ addresses: [address, '9.9.9.9'], conditions })),
    ...change,
  };
}

suite('slices of a Service', () => {
  const cases: readonly { name: string; slices: EndpointSlice[]; hosts: string[] }[] = [
    { name: 'none', slices: [], hosts: [] },
    { name: 'all merged', slices: [slice([['1.1.1.1']]), slice([['1.1.1.2']])], hosts: ['1.1.1.1', '1.1.1.2'] },
    { name: 'each address once', slices: [slice([['1.1.1.1']]), slice([['1.1.1.1']])], hosts: ['1.1.1.1'] },
    {
      name: 'the newer copy of a Pod that moves between slices',
      slices: [slice([['1.1.1.1', DRAINING]]), slice([['1.1.1.1'], ['1.1.1.2', DRAINING]])],
      hosts: ['1.1.1.1'],
    },
    {
      name: 'ready ones',
      slices: [slice([['1.1.1.1'], ['1.1.1.2', UNREADY], ['1.1.1.3', DRAINING]])],
      hosts: ['1.1.1.1'],
    },
    {
      name: 'else those that drain',
      slices: [
        slice([
          ['1.1.1.2', UNREADY],
          ['1.1.1.3', DRAINING],
        ]),
      ],
      hosts: ['1.1.1.3'],
    },
    {
      name: 'one family of two',
      slices: [slice([['fd00::1']], { family: 'IPv6' }), slice([['1.1.1.1']])],
      hosts: ['1.1.1.1'],
    },
    { name: 'IPv6 alone', slices: [slice([['fd00::1']], { family: 'IPv6' })], hosts: ['fd00::1'] },
    { name: 'a slice without the port', slices: [slice([['1.1.1.1']], { ports: [] })], hosts: [] },
  ];
  for (const { name, slices, hosts } of cases) {
    test(name, () => {
      assert.deepEqual(
        joinSlices(slices, 'grpc'),
        hosts.map((host) => ({ host, port: 8000 })),
      );
    });
  }

  test('slices may map a port to different numbers', () => {
    const other = slice([['1.1.1.2']], { ports: [{ name: 'grpc', protocol: 'TCP', port: 8001 }] });
    const ports = joinSlices([slice([['1.1.1.1']]), other], 'grpc').map(({ port }) => port);
    assert.deepEqual(ports, [8000, 8001]);
  });
});
