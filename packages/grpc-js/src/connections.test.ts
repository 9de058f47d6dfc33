import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Client } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { createSeededRandom } from '@steelyard/core/balance';
import type { EndpointBalance } from './balance/balance-report.ts';
import { balance } from './balance/balance-report.ts';
import type { BalancerPolicy, BalancerTraits } from './balance/policy-config.ts';
import { serviceConfigFor } from './balance/policy-config.ts';
import { register } from './register.ts';
import { TestPod, answersFromAll, call, callUntil, closeClients, countCalls, failure } from './test-pods.test-bed.ts';
import { openClient } from './test-pods.test-bed.ts';

const RING: BalancerPolicy = { kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'header', name: 'x-user' } };

suite('how many connections, and when', () => {
  let pods: TestPod[] = [];

  before(() => register({ random: createSeededRandom(31) }));
  afterEach(() => {
    closeClients();
    for (const pod of pods.splice(0)) {
      pod.release();
      pod.kill();
    }
  });
  after(() => register());

  const start = async (count: number, maxStreams?: number): Promise<TestPod[]> => {
    pods = Array.from({ length: count }, (_, index) => new TestPod(String(index)));
    for (const pod of pods) pod.maxStreams = maxStreams;
    return Promise.all(pods.map((pod) => pod.start()));
  };
  const open = (policy: BalancerPolicy, traits: BalancerTraits): Client =>
    openClient(`ipv4:///${pods.map(({ port }) => `127.0.0.1:${port}`).join()}`, {
      'grpc.service_config': serviceConfigFor(policy, traits),
    });
  const endpoints = (): readonly EndpointBalance[] => balance().flatMap((channel) => channel.endpoints);
  const until = async (condition: () => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + 10_000;
    while (!condition()) {
      assert.ok(performance.now() < deadline, what);
      await new Promise(setImmediate);
    }
  };

  test('where a pod takes two calls a connection: one more for the third, no more than is allowed, and one share', async () => {
    const [narrow, wide] = await start(2, 2);
    assert.ok(narrow !== undefined && wide !== undefined);
    const client = open({ kind: 'ROUND_ROBIN' }, { maxConnectionsPerEndpoint: 2 });
    await callUntil(client, answersFromAll(narrow, wide));
    assert.deepEqual(
      pods.map(({ peers }) => peers.size),
      [1, 1],
    );
    const held: Promise<string>[] = [];
    for (let calls = 0; calls < 12; calls++) {
      held.push(call(client, 'hold'));
      await new Promise(setImmediate);
    }
    await until(() => narrow.held === 4 && wide.held === 4, 'four calls each');
    assert.deepEqual(
      endpoints().map(({ connections, active }) => [connections, active]),
      [
        [2, 6],
        [2, 6],
      ],
      'the fifth and sixth call of each wait for one of the others',
    );
    const released = setInterval(() => pods.forEach((pod) => pod.release()), 5);
    await Promise.all(held);
    clearInterval(released);
    // One of them loses one connection: still a half each.
    narrow.sayGoodbye();
    await until(() => endpoints().every(({ connected }) => connected), 'connected again');
    assert.deepEqual([...(await countCalls(client, 40)).values()], [20, 20]);
    assert.deepEqual(
      pods.map(({ peers }) => peers.size),
      [3, 2],
      'the one beyond the first is not made again',
    );
  });

  test('one more that never comes holds nobody up: calls go on as others end, and it is not dialled with each of them', async () => {
    const [narrow] = await start(1, 1);
    assert.ok(narrow !== undefined);
    // Lets the first connection through, and says nothing on any other.
    const sockets: Socket[] = [];
    let accepted = 0;
    const relay = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      accepted++;
      if (accepted > 1) return;
      const onward = connect(narrow.port, '127.0.0.1');
      onward.on('error', () => undefined);
      sockets.push(onward);
      socket.pipe(onward).pipe(socket);
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const address = relay.address();
    assert.ok(typeof address === 'object' && address !== null);
    const client = openClient(`ipv4:///127.0.0.1:${address.port}`, {
      'grpc.service_config': serviceConfigFor({ kind: 'ROUND_ROBIN' }),
    });
    await call(client);
    const many = Array.from({ length: 30 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index));
      return call(client);
    });
    assert.deepEqual(new Set(await Promise.all(many)), new Set(['0']));
    assert.equal(accepted, 2);
    client.close();
    for (const socket of sockets) socket.destroy();
    relay.close();
  });

  test('maxConnectionsPerEndpoint 1: calls wait for one another, as in grpc-js', async () => {
    const [narrow] = await start(1, 1);
    const client = open({ kind: 'LEAST_REQUEST', choiceCount: 2 }, { maxConnectionsPerEndpoint: 1 });
    const held = [call(client, 'hold'), call(client, 'hold')];
    await until(() => narrow?.held === 1, 'one call');
    assert.match((await failure(call(client, '', undefined, 300))).details, /Deadline exceeded/);
    assert.equal(narrow?.peers.size, 1);
    assert.equal(narrow.held, 1);
    const released = setInterval(() => narrow.release(), 5);
    await Promise.all(held);
    clearInterval(released);
  });

  test('connections: so many at all times, with the calls shared among them', async () => {
    const [narrow] = await start(1, 1);
    assert.ok(narrow !== undefined);
    const client = open({ kind: 'LEAST_REQUEST', choiceCount: 2 }, { connectionsPerEndpoint: 2 });
    await callUntil(client, () => endpoints()[0]?.connections === 2);
    const held = [call(client, 'hold')];
    await until(() => narrow.held === 1, 'the first');
    held.push(call(client, 'hold'));
    await until(() => narrow.held === 2, 'the second');
    assert.equal(endpoints().length, 1, 'one endpoint in the report');
    assert.equal(endpoints()[0]?.active, 2);
    narrow.release();
    assert.deepEqual(await Promise.all(held), ['0', '0']);
  });

  const inUse = (): number => endpoints().filter(({ connections }) => connections > 0).length;

  test('lazy: no connection before there is a call, then one for each that the policy chooses', async () => {
    await start(3);
    const client = open({ kind: 'ROUND_ROBIN' }, { lazy: true });
    client.getChannel().getConnectivityState(false);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(inUse(), 0);
    await call(client);
    assert.ok(inUse() >= 1);
    await callUntil(client, answersFromAll(...pods));
    assert.deepEqual([...(await countCalls(client, 30)).values()], [10, 10, 10]);
    assert.deepEqual(
      pods.map(({ peers }) => peers.size),
      [1, 1, 1],
    );
  });

  test('lazy, with a hash: only the pods whose keys are called for, each key by its own', async () => {
    await start(5);
    const client = open(RING, { lazy: true });
    const metadata = new Metadata();
    metadata.set('x-user', 'ann');
    const names = new Set<string>();
    for (let calls = 0; calls < 20; calls++) names.add(await call(client, '', metadata));
    assert.equal(names.size, 1);
    assert.equal(inUse(), 1);
    const eager = open(RING, {});
    await callUntil(eager, answersFromAll(...pods));
    assert.equal(await call(eager, '', metadata), [...names][0]);
  });

  test('lazy: somebody who waits for the channel gets one; a pod that is away is gone round', async () => {
    const [away] = await start(3);
    away?.kill();
    const client = open({ kind: 'RANDOM' }, { lazy: true });
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error)));
    });
    const counts = await countCalls(client, 40);
    assert.ok(!counts.has('!'), [...counts.keys()].join());
    assert.ok(!counts.has('0'));
  });
});
