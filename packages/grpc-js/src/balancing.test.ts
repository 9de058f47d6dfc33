import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { Client } from '@grpc/grpc-js';
import { Metadata, connectivityState, status } from '@grpc/grpc-js';
import { chiSquareTest, createSeededRandom } from '@steelyard/core/balance';
import type { ChoosingPolicy } from '@steelyard/core/model';
import { serviceConfigFor } from './balance/policy-config.ts';
import { register } from './register.ts';
import { TestPod, answersFromAll, call, callUntil, closeClients, countCalls, failure } from './test-pods.test-bed.ts';
import { openClient as openAnyClient } from './test-pods.test-bed.ts';
import { TestResolver, registerTestResolver } from './test-resolver.test-bed.ts';

const ROUND_ROBIN: ChoosingPolicy = { kind: 'ROUND_ROBIN' };
const LEAST_REQUEST: ChoosingPolicy = { kind: 'LEAST_REQUEST', choiceCount: 2 };

function openClient(target: string, policy: ChoosingPolicy | undefined): Client {
  return openAnyClient(target, policy === undefined ? {} : { 'grpc.service_config': serviceConfigFor(policy) });
}

suite('calls over real servers', () => {
  const [a, b, c] = [new TestPod('a'), new TestPod('b'), new TestPod('c')];
  const pods = [a, b, c];
  const target = (): string => `ipv4:///${pods.map(({ port }) => `127.0.0.1:${port}`).join()}`;

  before(async () => {
    register({ random: createSeededRandom(11) });
    registerTestResolver();
    await Promise.all(pods.map((pod) => pod.start()));
  });
  afterEach(() => {
    closeClients();
    for (const pod of pods) {
      pod.release();
      pod.peers.clear();
    }
  });
  after(() => {
    for (const pod of pods) pod.kill();
  });

  test('without a policy of ours one pod has all calls: the check below can fail', async () => {
    const counts = await countCalls(openClient(target(), undefined), 30);
    assert.deepEqual([...counts.values()], [30]);
  });

  const policies: readonly ChoosingPolicy[] = [{ kind: 'RANDOM' }, ROUND_ROBIN, LEAST_REQUEST];
  for (const policy of policies) {
    test(`${policy.kind} gives every pod its share`, async () => {
      const client = openClient(target(), policy);
      await callUntil(client, answersFromAll(a, b, c));
      const counts = await countCalls(client, 300);
      const observed = pods.map(({ name }) => counts.get(name) ?? 0);
      assert.ok(chiSquareTest(observed, [1, 1, 1]).pValue > 0.001, observed.join());
      for (const { name, peers } of pods) assert.equal(peers.size, 1, `${name} has one connection`);
    });
  }

  test('LEAST_REQUEST leaves out the busy one of two, until its call ends', async () => {
    const client = openClient('steelyard-test:///', LEAST_REQUEST);
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, b);
    await callUntil(client, answersFromAll(a, b));
    const held = call(client, 'hold');
    while (a.held + b.held === 0) await new Promise(setImmediate);
    const [busy, idle] = a.held > 0 ? [a, b] : [b, a];
    assert.deepEqual(await countCalls(client, 40), new Map([[idle.name, 40]]));
    busy.release();
    assert.equal(await held, busy.name);
    assert.ok(((await countCalls(client, 40)).get(busy.name) ?? 0) > 5);
  });

  test('a new address list keeps the connections it has, and the calls on those that it loses', async () => {
    const client = openClient('steelyard-test:///', ROUND_ROBIN);
    client.getChannel().getConnectivityState(true);
    assert.ok(TestResolver.resolve(a, b));
    await callUntil(client, answersFromAll(a, b));
    const held = [call(client, 'hold'), call(client, 'hold')];
    while (a.held + b.held < 2) await new Promise(setImmediate);
    assert.ok(TestResolver.resolve(b, c));
    await callUntil(client, answersFromAll(b, c));
    const counts = await countCalls(client, 20);
    assert.deepEqual(counts, new Map([...counts.keys()].map((name) => [name, 10])));
    assert.ok(TestResolver.resolve(c, b, b));
    assert.equal((await countCalls(client, 20)).get('b'), 10, 'a repeated address has one share');
    for (const pod of pods) pod.release();
    assert.deepEqual((await Promise.all(held)).toSorted(), ['a', 'b']);
    assert.deepEqual(
      pods.map(({ peers }) => peers.size),
      [1, 1, 1],
    );
  });

  test('a killed pod gets no more calls, the resolver is asked, and back again the pod is used', async () => {
    const client = openClient('steelyard-test:///', { kind: 'RANDOM' });
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, b, c);
    await callUntil(client, answersFromAll(a, b, c));
    const askedBefore = TestResolver.asked;
    a.kill();
    await callUntil(client, (latest) => latest.length === 10 && !latest.includes('a') && !latest.includes('!'));
    const counts = await countCalls(client, 100);
    assert.deepEqual([...counts.keys()].toSorted(), ['b', 'c']);
    assert.ok(TestResolver.asked > askedBefore);
    await a.start();
    await callUntil(client, answersFromAll(a, b, c));
  });

  test('a pod that takes leave of its connection is connected to again, and the resolver is asked', async () => {
    const client = openClient('steelyard-test:///', { kind: 'RANDOM' });
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, b);
    await callUntil(client, answersFromAll(a, b));
    const askedBefore = TestResolver.asked;
    a.sayGoodbye();
    await callUntil(client, () => a.peers.size === 2);
    assert.equal(TestResolver.asked, askedBefore + 1);
    assert.equal(b.peers.size, 1);
  });

  test('it is connected to again before there is a call for it', async () => {
    const client = openClient('steelyard-test:///', LEAST_REQUEST);
    const channel = client.getChannel();
    channel.getConnectivityState(true);
    TestResolver.resolve(a);
    const seen: string[] = [];
    const next = async (): Promise<void> => {
      const state = channel.getConnectivityState(false);
      await promisify(channel.watchConnectivityState.bind(channel))(state, Date.now() + 5000);
      seen.push(connectivityState[channel.getConnectivityState(false)]);
    };
    while (seen.at(-1) !== 'READY') await next();
    seen.length = 0;
    a.sayGoodbye();
    while (seen.at(-1) !== 'READY') await next();
    assert.deepEqual(seen, ['CONNECTING', 'READY']);
  });

  test('what becomes of a pod that is no longer named is not looked at', async () => {
    const client = openClient('steelyard-test:///', ROUND_ROBIN);
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, b);
    await callUntil(client, answersFromAll(a, b));
    TestResolver.resolve(b);
    const askedBefore = TestResolver.asked;
    a.kill();
    assert.deepEqual(await countCalls(client, 20), new Map([['b', 20]]));
    assert.equal(TestResolver.asked, askedBefore);
    await a.start();
  });

  test('an empty list fails calls at once and says so; the next list serves', async () => {
    const client = openClient('steelyard-test:///', ROUND_ROBIN);
    client.getChannel().getConnectivityState(true);
    assert.ok(TestResolver.resolve());
    const error = await failure(call(client));
    assert.equal(error.code, status.UNAVAILABLE);
    assert.match(error.details, /steelyard_round_robin: no addresses resolved \(the test said so\)/);
    TestResolver.resolve(a);
    assert.equal(await call(client), 'a');
  });

  test('a resolver that fails takes nothing away', async () => {
    const client = openClient('steelyard-test:///', ROUND_ROBIN);
    client.getChannel().getConnectivityState(true);
    const broken = {
      ok: false,
      error: { code: status.UNAVAILABLE, details: 'no answer', metadata: new Metadata() },
    } as const;
    TestResolver.listener(broken, {}, null, '');
    assert.match((await failure(call(client))).details, /steelyard_round_robin: no answer/);
    TestResolver.resolve(b);
    assert.equal(await call(client), 'b');
    TestResolver.listener(broken, {}, null, '');
    assert.equal(await call(client), 'b');
  });

  test('when nothing can be connected to, the error says how many and why', async () => {
    const gone = [new TestPod('x'), new TestPod('y')];
    for (const pod of gone) {
      await pod.start();
      pod.kill();
    }
    const addresses = gone.map(({ port }) => `127.0.0.1:${port}`);
    const error = await failure(call(openClient(`ipv4:///${addresses.join()}`, LEAST_REQUEST)));
    assert.equal(error.code, status.UNAVAILABLE);
    assert.match(error.details, /steelyard_least_request: none of 2 endpoints can be connected to; .*ECONNREFUSED/);
  });

  test('works behind the DNS resolver of grpc-js', async () => {
    assert.equal(await call(openClient(`dns:///localhost:${a.port}`, LEAST_REQUEST)), 'a');
  });
});
