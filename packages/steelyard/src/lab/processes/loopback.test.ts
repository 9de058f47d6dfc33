import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { pod } from '../lab.test-bed.ts';
import { listenOn } from '../../listen-on.ts';
import { loopbackAddresses, planLoopback } from './loopback.ts';

const cases: readonly [string, readonly string[], readonly string[]][] = [
  ['the last three numbers stay', ['10.80.128.247', '192.168.0.7'], ['127.80.128.247', '127.168.0.7']],
  ['who comes later moves on', ['10.0.0.9', '11.0.0.9', '12.0.0.9'], ['127.0.0.9', '127.0.0.10', '127.0.0.11']],
  ['127.0.0.1 and the network itself stay free', ['10.0.0.1', '10.0.0.0'], ['127.0.0.2', '127.0.0.3']],
  ['nor is broadcast given away', ['10.255.255.255', '11.255.255.255'], ['127.255.255.254', '127.0.0.2']],
];

for (const [name, pods, expected] of cases) {
  test(`loopback addresses: ${name}`, () => {
    assert.deepEqual([...loopbackAddresses(pods.map((address) => pod(address))).values()], expected);
  });
}

test('pods that share an address but not a port are told apart', () => {
  const addresses = loopbackAddresses([pod('10.0.0.5', 1), pod('10.0.0.5', 2)]);
  assert.deepEqual(
    [...addresses],
    [
      ['10.0.0.5:1', '127.0.0.5'],
      ['10.0.0.5:2', '127.0.0.6'],
    ],
  );
});

test('any pods of both families get loopback addresses of their own', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(fc.uniqueArray(address, { maxLength: 40 }), (list) => {
      const addresses = [...loopbackAddresses(list.map((each) => pod(each))).values()];
      assert.equal(new Set(addresses).size, list.length);
      for (const each of addresses) assert.match(each, /^127\.\d+\.\d+\.\d+$/);
    }),
  );
});

test('a port that is taken on one address is left for another one, the same for all', async () => {
  const pods = [pod('10.251.252.1'), pod('10.251.252.2')];
  const squatter = createServer();
  const taken = await listenOn(squatter, { host: '127.251.252.2', port: 0 });
  try {
    const plan = await planLoopback(pods, taken.port);
    const places = [...plan.addresses.values()];
    assert.equal(plan.onePort, true);
    assert.deepEqual(
      places.map(({ host }) => host),
      ['127.251.252.1', '127.251.252.2'],
    );
    assert.equal(new Set(places.map(({ port }) => port)).size, 1);
    assert.notEqual(places[0]?.port, taken.port);
  } finally {
    squatter.close();
  }
});

test('where only 127.0.0.1 can be had, each pod gets a port of its own there', async () => {
  const plan = await planLoopback([pod('10.0.0.1'), pod('10.0.0.2')], 8000, () => Promise.resolve('EADDRNOTAVAIL'));
  assert.equal(plan.onePort, false);
  assert.deepEqual(
    [...plan.addresses.values()],
    Array.from({ length: 2 }, () => ({ host: '127.0.0.1', port: 0 })),
  );
});

test('any port means one that all pods share', async () => {
  const plan = await planLoopback([pod('10.251.252.3'), pod('10.251.252.4')], 0);
  const ports = new Set([...plan.addresses.values()].map(({ port }) => port));
  assert.equal(plan.onePort, true);
  assert.equal(ports.size, 1);
  assert.ok(!ports.has(0));
});
