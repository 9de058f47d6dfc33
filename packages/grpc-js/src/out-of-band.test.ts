import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { Server, ServerCredentials, ServerMetricRecorder } from '@grpc/grpc-js';
import { DEFAULT_WEIGHTED_ROUND_ROBIN, chiSquareTest, createSeededRandom } from '@steelyard/core/balance';
import type { BalancerTraits } from './balance/policy-config.ts';
import { parsePolicyConfig, serviceConfigFor } from './balance/policy-config.ts';
import { renderLoadReportRequest } from './orca/load-report-stream.ts';
import { register } from './register.ts';
import {
  TestPod,
  answerWith,
  answersFromAll,
  call,
  callUntil,
  closeClients,
  countCalls,
  openClient,
} from './test-pods.test-bed.ts';

const OPTIONS = { ...DEFAULT_WEIGHTED_ROUND_ROBIN, blackoutPeriodMs: 0, weightUpdatePeriodMs: 100 };
const config = (traits: BalancerTraits): string =>
  serviceConfigFor({ kind: 'WEIGHTED_ROUND_ROBIN', options: OPTIONS }, traits);

suite('load reports out of band', () => {
  const servers: { name: string; server: Server; recorder: ServerMetricRecorder; port: number }[] = [];

  before(async () => {
    register({ random: createSeededRandom(8) });
    // The reports of grpc-js's own server: what is measured here is read by somebody else's code.
    for (const [name, utilization] of [
      ['a', 0.2],
      ['b', 0.8],
    ] as const) {
      const server = new Server();
      const recorder = new ServerMetricRecorder();
      recorder.setQpsMetric(100);
      recorder.setApplicationUtilizationMetric(utilization);
      recorder.addToServer(server);
      answerWith(server, name);
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        });
      });
      servers.push({ name, server, recorder, port });
    }
  });
  afterEach(() => closeClients());
  after(() => {
    for (const { server } of servers) server.forceShutdown();
    register();
  });

  const shares = async (traits: BalancerTraits, expected: readonly number[]): Promise<void> => {
    const client = openClient(`ipv4:///${servers.map(({ port }) => `127.0.0.1:${port}`).join()}`, {
      'grpc.service_config': config(traits),
    });
    await callUntil(client, (latest) => new Set(latest).size === 2);
    let seen: number[] = [];
    const deadline = performance.now() + 10_000;
    for (;;) {
      const counts = await countCalls(client, 200);
      seen = servers.map(({ name }) => counts.get(name) ?? 0);
      if (chiSquareTest(seen, expected).pValue > 0.001) return;
      assert.ok(performance.now() < deadline, `${seen.join()} instead of ${expected.join(':')}`);
    }
  };

  test('weights come from the stream', () => shares({ oobReportingPeriodMs: 50 }, [4, 1]));

  test('the control: nobody sends them in trailers', () => shares({}, [1, 1]));

  test('the stream follows what is reported', async () => {
    for (const { recorder } of servers) recorder.setApplicationUtilizationMetric(0.5);
    await shares({ oobReportingPeriodMs: 50 }, [1, 1]);
  });

  test('a backend that knows nothing of it serves as any other', async () => {
    const pod = await new TestPod('plain').start();
    const client = openClient(`ipv4:///127.0.0.1:${pod.port}`, {
      'grpc.service_config': config({ oobReportingPeriodMs: 50 }),
    });
    await callUntil(client, answersFromAll(pod));
    for (let calls = 0; calls < 20; calls++) assert.equal(await call(client), 'plain');
    assert.equal(pod.peers.size, 1);
    client.close();
    pod.kill();
  });

  test('its fields in a service config (gRFC A58)', () => {
    const parse = (json: object): number | undefined =>
      parsePolicyConfig('steelyard_weighted_round_robin', json).oobReportingPeriodMs;
    assert.equal(parse({}), undefined);
    assert.equal(parse({ enableOobLoadReport: true }), 10_000);
    assert.equal(parse({ enableOobLoadReport: true, oobReportingPeriod: '2.5s' }), 2500);
    assert.throws(() => parse({ enableOobLoadReport: 1 }), /must be true or false/);
    assert.throws(() => parsePolicyConfig('steelyard_random', { enableOobLoadReport: true }), /take it out/);
  });

  test('the request, as protobuf', () => {
    assert.deepEqual([...renderLoadReportRequest(10_000)], [0x0a, 2, 0x08, 10]);
    // 250,000,000 ns
    assert.deepEqual([...renderLoadReportRequest(1250)], [0x0a, 7, 0x08, 1, 0x10, 0x80, 0xe5, 0x9a, 0x77]);
    assert.deepEqual([...renderLoadReportRequest(300_000)], [0x0a, 3, 0x08, 0xac, 0x02]);
  });
});
