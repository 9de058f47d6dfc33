import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createSeededRandom } from '@steelyard/core/balance';
import { balance } from './balance/balance-report.ts';
import { serviceConfigFor } from './balance/policy-config.ts';
import { register } from './register.ts';
import {
  TestPod,
  answersFromAll,
  call,
  callUntil,
  closeClients,
  countCalls,
  openClient,
} from './test-pods.test-bed.ts';
import { TestResolver, registerTestResolver } from './test-resolver.test-bed.ts';

const MOST_PENDING = 100;

suite('what callers see of changes', () => {
  before(() => {
    register({ random: createSeededRandom(23) });
    registerTestResolver();
  });
  after(() => closeClients());

  test('all pods are replaced one by one under load: no call fails', async () => {
    const old = await Promise.all(['a', 'b', 'c'].map((name) => new TestPod(name).start()));
    const fresh = await Promise.all(['d', 'e', 'f'].map((name) => new TestPod(name).start()));
    const client = openClient('steelyard-test:///', {
      'grpc.service_config': serviceConfigFor({ kind: 'LEAST_REQUEST', choiceCount: 2 }),
    });
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(...old);
    await callUntil(client, answersFromAll(...old));

    let done = 0;
    let running = true;
    const failures: string[] = [];
    // One call a millisecond, whether or not the last one is back; where the machine is too slow for that, as many as it can.
    const load = (async () => {
      const pending = new Set<Promise<void>>();
      const startedAt = performance.now();
      for (let issued = 0; running;) {
        for (; issued < performance.now() - startedAt && pending.size < MOST_PENDING; issued++) {
          const one: Promise<void> = call(client)
            .then(() => void done++)
            .catch((error: unknown) => void failures.push(String(error)))
            .finally(() => pending.delete(one));
          pending.add(one);
        }
        await new Promise(setImmediate);
      }
      await Promise.all(pending);
    })();
    const afterCalls = async (count: number): Promise<void> => {
      const target = done + count;
      while (done < target) await new Promise(setImmediate);
    };
    for (const [index, gone] of old.entries()) {
      const come = fresh.slice(0, index + 1);
      TestResolver.resolve(...old.slice(index), ...come);
      await afterCalls(100);
      // The server says goodbye before the resolver knows that it does: the hardest order.
      const stopped = gone.stop();
      await afterCalls(50);
      TestResolver.resolve(...old.slice(index + 1), ...come);
      await afterCalls(100);
      await stopped;
    }
    running = false;
    await load;
    assert.deepEqual(failures.slice(0, 3), [], `${failures.length} of ${done} failed`);
    assert.ok(done > 700, `${done} calls`);
    assert.deepEqual([...(await countCalls(client, 60)).keys()].toSorted(), ['d', 'e', 'f']);
    closeClients();
    for (const pod of fresh) pod.kill();
  });

  test('events and the report tell who came, who had what, and who went', async () => {
    const pods = await Promise.all(['a', 'b'].map((name) => new TestPod(name).start()));
    const [a, b] = pods;
    assert.ok(a !== undefined && b !== undefined);
    const seen: string[] = [];
    const onEvent = (message: unknown): void => {
      assert.ok(typeof message === 'object' && message !== null && 'endpoint' in message && 'change' in message);
      seen.push(`${String(message.endpoint) === `127.0.0.1:${a.port}` ? 'a' : 'b'} ${String(message.change)}`);
    };
    subscribe('steelyard.grpc-js.endpoint', onEvent);
    const client = openClient('steelyard-test:///', {
      'grpc.service_config': serviceConfigFor({ kind: 'ROUND_ROBIN' }),
    });
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, b);
    await callUntil(client, answersFromAll(a, b));
    await countCalls(client, 10);
    b.failWith = status.UNAVAILABLE;
    await countCalls(client, 10);
    const report = balance().find(({ endpoints }) => endpoints.some(({ endpoint }) => endpoint.endsWith(`:${b.port}`)));
    assert.equal(report?.policy, 'steelyard_round_robin');
    const ofB = report?.endpoints.find(({ endpoint }) => endpoint.endsWith(`:${b.port}`));
    assert.equal(ofB?.failed, 5);
    assert.equal(ofB?.connected, true);
    assert.ok(Math.abs((ofB?.share ?? 0) - 0.5) < 0.1);
    TestResolver.resolve(b);
    await callUntil(client, () => true);
    client.close();
    unsubscribe('steelyard.grpc-js.endpoint', onEvent);
    assert.deepEqual(seen.slice(0, 2), ['a added', 'b added']);
    assert.deepEqual(seen.slice(2, 4).toSorted(), ['a connected', 'b connected']);
    assert.equal(seen.at(-1), 'a removed');
    assert.ok(!balance().some((channel) => channel === report));
    for (const pod of pods) pod.kill();
  });

  test('a pod behind a dead network gets no more calls, as pings go unanswered', async () => {
    const [a, b] = await Promise.all(['a', 'b'].map((name) => new TestPod(name).start()));
    assert.ok(a !== undefined && b !== undefined);
    const sockets = new Set<Socket>();
    let dead = false;
    const relay = createServer((socket) => {
      const onward = connect(b.port, '127.0.0.1');
      for (const each of [socket, onward]) {
        sockets.add(each);
        each.on('error', () => undefined);
      }
      if (dead) return;
      socket.pipe(onward).pipe(socket);
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const address = relay.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const client = openClient('steelyard-test:///', {
      'grpc.service_config': serviceConfigFor({ kind: 'ROUND_ROBIN' }),
      'grpc.keepalive_time_ms': 200,
      'grpc.keepalive_timeout_ms': 100,
    });
    client.getChannel().getConnectivityState(true);
    TestResolver.resolve(a, { endpoint: { addresses: [{ host: '127.0.0.1', port }] } });
    await callUntil(client, answersFromAll(a, b));
    dead = true;
    for (const socket of sockets) socket.unpipe();
    const stuck = Promise.allSettled([call(client), call(client), call(client), call(client)]);
    await callUntil(client, (latest) => latest.length === 10 && latest.every((name) => name === 'a'), 3000);
    const outcomes = (await stuck).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'));
    assert.ok(outcomes.includes('a'), outcomes.join());
    client.close();
    for (const socket of sockets) socket.destroy();
    relay.close();
    for (const pod of [a, b]) pod.kill();
  });

  test('an HTTP proxy of the environment is not taken without a word', async () => {
    const pod = await new TestPod('a').start();
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', onWarning);
    process.env['http_proxy'] = `http://127.0.0.1:${pod.port}`;
    try {
      assert.equal(await call(openClient(`headless:///127.0.0.1:${pod.port}`)), 'a');
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      assert.deepEqual(warnings, [], 'not with grpc.enable_http_proxy 0');
      openClient(`headless:///127.0.0.1:${pod.port}`, { 'grpc.enable_http_proxy': 1 });
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      assert.match(
        warnings.join(),
        /goes to the HTTP proxy of the environment and is not balanced; .*enable_http_proxy/,
      );
    } finally {
      delete process.env['http_proxy'];
      process.off('warning', onWarning);
      closeClients();
      pod.kill();
    }
  });
});
