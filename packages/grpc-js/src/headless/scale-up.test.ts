import { plainAsksDnsServers } from './ask-dns-servers.test-bed.ts';
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Client } from '@grpc/grpc-js';
import { connectivityState } from '@grpc/grpc-js';
import { chiSquareTest, createSeededRandom } from '@steelyard/core/balance';
import { balance } from '../balance/balance-report.ts';
import { register } from '../register.ts';
import { TestPod, answersFromAll, call, callUntil, closeClients, countCalls, failure } from '../test-pods.test-bed.ts';
import { openClient } from '../test-pods.test-bed.ts';
import { ScriptedDns } from './scripted-dns.test-bed.ts';

const TTL_SECONDS = 1;

suite('headless: over real sockets', () => {
  const dns = new ScriptedDns();
  const pods = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => new TestPod(name, `127.0.1.${index + 1}`));
  let port = 0;

  before(async () => {
    register({ random: createSeededRandom(7) });
    await dns.start();
    for (const pod of pods) {
      await pod.start(port);
      port = pod.port;
    }
  });
  afterEach(() => {
    closeClients();
    dns.names.clear();
    dns.asked.length = 0;
  });
  after(async () => {
    for (const pod of pods) pod.kill();
    await dns.stop();
  });

  const serve = (count: number): void => {
    dns.names.set('backendh.test', { addresses: pods.slice(0, count).map(({ host }) => host), ttl: TTL_SECONDS });
  };
  const open = (parameters = ''): Client => openClient(`headless://${dns.address}/backendh.test:${port}${parameters}`);

  test('from 3 pods to 6 within a TTL and a second; plain grpc-js stays with what it has', async () => {
    assert.ok(plainAsksDnsServers);
    serve(3);
    const ours = open('?lb=round_robin');
    const plain = openClient(`dns://${dns.address}/backendh.test:${port}`, {
      'grpc.service_config': '{"loadBalancingConfig":[{"round_robin":{}}]}',
      'grpc.dns_min_time_between_resolutions_ms': 100,
    });
    const three = pods.slice(0, 3);
    await callUntil(ours, answersFromAll(...three));
    await callUntil(plain, answersFromAll(...three));
    const limitMs = TTL_SECONDS * 1000 + 1000;
    let scaledAt = 0;
    let tookMs = Infinity;
    // The best of some: the machine may be busy with other tests.
    for (let round = 0; round < 4 && tookMs > limitMs; round++) {
      serve(3);
      await callUntil(ours, (latest) => latest.length === 10 && new Set(latest).size === 3);
      serve(6);
      scaledAt = performance.now();
      await callUntil(ours, answersFromAll(...pods));
      tookMs = performance.now() - scaledAt;
    }
    assert.ok(tookMs <= limitMs, `${Math.round(tookMs)} ms`);
    const counts = await countCalls(ours, 600);
    const observed = pods.map(({ name }) => counts.get(name) ?? 0);
    assert.ok(chiSquareTest(observed, [1, 1, 1, 1, 1, 1]).pValue > 0.001, observed.join());
    // Three times as long as ours had.
    const until = scaledAt + 3 * tookMs;
    const seen = new Set<string>();
    for (let calls = 0; calls < 30 || performance.now() < until; calls++) seen.add(await call(plain));
    assert.deepEqual([...seen].toSorted(), ['a', 'b', 'c'], `ours took ${Math.round(tookMs)} ms`);
  });

  test('one look-up for a name, however many channels; the policy is of each', async () => {
    serve(2);
    const news: unknown[] = [];
    const onNews = (message: unknown): void => void news.push(message);
    subscribe('steelyard.grpc-js.resolution', onNews);
    const many = ['?lb=random', '?lb=round_robin', '?lb=least_request', '', '?lb=peak_ewma'].map(open);
    await Promise.all(many.map((client) => callUntil(client, answersFromAll(...pods.slice(0, 2)))));
    assert.equal(dns.asked.filter((question) => question === 'A backendh.test').length, 1, dns.asked.join());
    unsubscribe('steelyard.grpc-js.resolution', onNews);
    assert.deepEqual(news, [
      {
        target: `headless://${dns.address}/backendh.test:${port}`,
        outcome: 'found',
        endpoints: 2,
        note: 'found as backendh.test',
      },
    ]);
    assert.deepEqual(
      balance()
        .filter(({ target }) => target.includes('backendh.test'))
        .map(({ policy }) => policy)
        .toSorted(),
      [
        'steelyard_least_request',
        'steelyard_least_request',
        'steelyard_peak_ewma',
        'steelyard_random',
        'steelyard_round_robin',
      ],
    );
  });

  test('a DNS server that answers with nothing takes nothing away', async () => {
    serve(2);
    const client = open('?lb=round_robin&min_ttl=50ms&max_ttl=100ms');
    await callUntil(client, answersFromAll(...pods.slice(0, 2)));
    for (const reply of [{ addresses: [] }, { code: 2 }]) {
      dns.names.set('backendh.test', reply);
      const enough = dns.asked.length + 3;
      await callUntil(client, (latest) => {
        assert.ok(!latest.includes('!'), latest.join());
        return dns.asked.length >= enough;
      });
    }
    assert.deepEqual([...(await countCalls(client, 20)).values()], [10, 10]);
  });

  test('a broken connection asks at once, not when the TTL is over', async () => {
    dns.names.set('backendh.test', { addresses: ['127.0.1.1', '127.0.1.2'], ttl: 600 });
    const client = open('?lb=round_robin&min_ttl=50ms&max_ttl=10m');
    await callUntil(client, answersFromAll(...pods.slice(0, 2)));
    dns.names.set('backendh.test', { addresses: ['127.0.1.1', '127.0.1.3'], ttl: 600 });
    const [, b] = pods;
    b?.kill();
    await callUntil(client, answersFromAll(...pods.filter(({ name }) => name === 'a' || name === 'c')), 3000);
    await b?.start(port);
  });

  test('while there are no addresses calls that wait for ready wait, and others are told why', async () => {
    dns.names.set('backendh.test', { code: 3 });
    const client = open('?min_ttl=50ms&max_ttl=100ms');
    const { code, details } = await failure(call(client));
    assert.equal(code, 14);
    assert.match(details, /backendh\.test:\d+: backendh\.test.* does not exist/);
    serve(1);
    await callUntil(client, (latest) => latest.at(-1) === 'a');
  });

  const wrong: readonly { target: string; details: RegExp }[] = [
    { target: 'headless:///backendh.test', details: /there is no port/ },
    { target: 'headless:///$STEELYARD_NOT_SET', details: /STEELYARD_NOT_SET is not set/ },
    { target: 'headless:///backendh.test:80?lb=best', details: /there is no policy best/ },
    { target: 'headless://dns.example/backendh.test:80', details: /the DNS server is dns\.example/ },
    { target: 'headless:///?', details: /there is no name/ },
  ];
  for (const { target, details } of wrong) {
    test(`${target}: a status that helps`, async () => {
      const error = await failure(call(openClient(target)));
      assert.equal(error.code, 14);
      assert.match(error.details, details);
    });
  }

  for (const [policy, details] of [
    ['{"steelyard_best":{}}', /names no policy that can be had: .*steelyard_best/],
    ['{"steelyard_least_request":{"choiceCount":1}}', /choiceCount is 1; it must be a whole number of at least 2/],
  ] as const) {
    test(`a service config with ${policy}: a status that helps, not pick_first`, async () => {
      serve(1);
      const serviceConfig = `{"loadBalancingConfig":[${policy}]}`;
      const client = openClient(`headless://${dns.address}/backendh.test:${port}`, {
        'grpc.service_config': serviceConfig,
      });
      const error = await failure(call(client));
      assert.equal(error.code, 14);
      assert.match(error.details, details);
    });
  }

  test('no DNS server there: a status within the deadline', async () => {
    const none = await new ScriptedDns().start();
    const { address } = none;
    await none.stop();
    const client = openClient(`headless://${address}/backendh.test:${port}?min_ttl=50ms`);
    const { details } = await failure(call(client, '', undefined, 9000));
    assert.match(details, /DNS server/);
  });

  test('the channel goes on with the deadlines of its service config, under the policy of the target', async () => {
    serve(1);
    const client = openClient(`headless://${dns.address}/backendh.test:${port}?lb=random`, {
      'grpc.service_config': JSON.stringify({
        loadBalancingConfig: [{ round_robin: {} }],
        methodConfig: [{ name: [{}], timeout: '0.3s' }],
      }),
    });
    assert.equal(await call(client), 'a');
    const startedAt = performance.now();
    const { code } = await failure(call(client, 'hold'));
    assert.ok(performance.now() - startedAt < 3000);
    assert.equal(code, 4, 'DEADLINE_EXCEEDED long before the ten seconds of the call');
    pods[0]?.release();
  });

  test('an idle channel asks no more; with its next call it finds what there is then', async () => {
    serve(1);
    const client = openClient(`headless://${dns.address}/backendh.test:${port}?min_ttl=50ms&max_ttl=50ms`, {
      'grpc.client_idle_timeout_ms': 1000,
    });
    assert.equal(await call(client), 'a');
    const deadline = performance.now() + 5000;
    while (client.getChannel().getConnectivityState(false) !== connectivityState.IDLE) {
      assert.ok(performance.now() < deadline);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const asked = dns.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(dns.asked.length, asked);
    dns.names.set('backendh.test', { addresses: ['127.0.1.5'], ttl: 1 });
    assert.equal(await call(client), 'e');
  });

  test('a closed channel asks no more', async () => {
    serve(1);
    const client = open('?min_ttl=50ms&max_ttl=50ms');
    await callUntil(client, (latest) => latest.includes('a'));
    client.close();
    const asked = dns.asked.length;
    const probe = open('?min_ttl=50ms&max_ttl=60ms');
    await callUntil(probe, () => dns.asked.length >= asked + 4);
    assert.ok(dns.asked.length <= asked + 5);
  });
});
