import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { constants, createServer } from 'node:http2';
import type { Socket } from 'node:net';
import { connect, createServer as createRelay } from 'node:net';
import { after, afterEach, before, suite, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createSeededRandom } from '@steelyard/core/balance';
import { serviceConfigFor } from './balance/policy-config.ts';
import { FakeClock, settle } from './fake-clock.test-bed.ts';
import { register } from './register.ts';
import { TestPod, answersFromAll, call, callUntil, closeClients, failure, openClient } from './test-pods.test-bed.ts';
import { TestResolver, registerTestResolver } from './test-resolver.test-bed.ts';

const ROUND_ROBIN = { 'grpc.service_config': serviceConfigFor({ kind: 'ROUND_ROBIN' }) };

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null && 'port' in address && typeof address.port === 'number');
  return address.port;
}

suite('connections that may be dead', () => {
  let clock = new FakeClock();
  const closing: (() => void)[] = [];

  before(() => registerTestResolver());
  afterEach(() => {
    closeClients();
    for (const close of closing.splice(0)) close();
  });
  after(() => register());

  const start = (): void => {
    clock = new FakeClock();
    register({ random: createSeededRandom(4), clock });
  };
  /** Lets seconds pass one by one, so that what goes over sockets meanwhile has its turns. */
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await clock.pass(1000);
      for (let turn = 0; turn < 5; turn++) await settle();
    }
  };

  test('a pod behind a dead network: its calls fail within seconds, and new ones go elsewhere', async () => {
    start();
    const [a, b] = await Promise.all(['a', 'b'].map((name) => new TestPod(name).start()));
    assert.ok(a !== undefined && b !== undefined);
    const sockets = new Set<Socket>();
    let dead = false;
    const relay = createRelay((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      if (dead) return;
      const onward = connect(b.port, '127.0.0.1');
      onward.on('error', () => undefined);
      sockets.add(onward);
      socket.pipe(onward).pipe(socket);
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    closing.push(
      () => relay.close(),
      () => sockets.forEach((socket) => socket.destroy()),
      () => a.kill(),
      () => b.kill(),
    );
    const client = openClient('steelyard-test:///', ROUND_ROBIN);
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, { endpoint: { addresses: [{ host: '127.0.0.1', port: portOf(relay) }] } });
    await callUntil(client, answersFromAll(a, b));
    dead = true;
    for (const socket of sockets) socket.unpipe();
    const outcomes: string[] = [];
    const stuck = [1, 2].map(() =>
      call(client, '', undefined, 60_000).then(
        (name) => outcomes.push(name),
        () => outcomes.push('failed'),
      ),
    );
    while (outcomes.length === 0) await settle();
    assert.deepEqual(outcomes, ['a']);
    // Three seconds of silence, five for the answer, and the looks each second.
    await pass(10);
    await Promise.all(stuck);
    assert.deepEqual(outcomes.toSorted(), ['a', 'failed']);
    await callUntil(client, (latest) => latest.length === 10 && latest.every((name) => name === 'a'));
  });

  /** A server that counts as grpc-go does, and ends connections for pings. */
  const strictServer = async (): Promise<{ server: Http2Server; pings: number[]; goaways: () => number }> => {
    const server = createServer();
    const pings: number[] = [];
    let goaways = 0;
    server.on('session', (session: ServerHttp2Session) => {
      closing.push(() => session.destroy());
      let [lastMs, strikes] = [-Infinity, 0];
      session.on('ping', () => {
        const nowMs = clock.now();
        pings.push(nowMs);
        if (nowMs - lastMs < 300_000) strikes++;
        lastMs = nowMs;
        if (strikes <= 2) return;
        goaways++;
        session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
        session.destroy();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    return { server, pings, goaways: () => goaways };
  };

  test('an hour of silence on a stream: a default gRPC server sees no too_many_pings, and yet is pinged', async () => {
    start();
    const { server, pings, goaways } = await strictServer();
    const client = openClient('steelyard-test:///', ROUND_ROBIN);
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve({ endpoint: { addresses: [{ host: '127.0.0.1', port: portOf(server) }] } });
    const silent = failure(call(client, '', undefined, 600_000));
    const asked = once(server, 'stream');
    await asked;
    await settle();
    await pass(3600);
    assert.equal(goaways(), 0);
    assert.ok(pings.length >= 12, `${pings.length} pings`);
    assert.ok((pings[0] ?? Infinity) <= 5000, `the first after ${pings[0]} ms`);
    for (const close of closing.splice(0)) close();
    await silent;
  });

  test('the control: grpc-js pinging every ten seconds is shown the door', async () => {
    start();
    const { server, goaways } = await strictServer();
    // Its timers are the machine's: a hundredth of the time.
    const client = openClient('steelyard-test:///', { ...ROUND_ROBIN, 'grpc.keepalive_time_ms': 100 });
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve({ endpoint: { addresses: [{ host: '127.0.0.1', port: portOf(server) }] } });
    const { code } = await failure(call(client, '', undefined, 20_000));
    assert.equal(code, status.RESOURCE_EXHAUSTED);
    assert.equal(goaways(), 1);
    assert.equal(clock.timers, 0, 'no pings of ours beside them');
  });
});
