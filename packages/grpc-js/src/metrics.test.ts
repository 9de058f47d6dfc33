import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Client } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider } from '@opentelemetry/sdk-metrics';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { DEFAULT_WEIGHTED_ROUND_ROBIN, createSeededRandom } from '@steelyard/core/balance';
import { DEFAULT_OUTLIER_DETECTION } from '@steelyard/core/health';
import { serviceConfigFor } from './balance/policy-config.ts';
import { callMetrics } from './metrics/call-metrics.ts';
import { exportMetrics } from './metrics/export-metrics.ts';
import { METRICS } from './metrics/metric-names.ts';
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

const WEIGHTED = { ...DEFAULT_WEIGHTED_ROUND_ROBIN, weightUpdatePeriodMs: 100 };

suite('metrics, by the meter of OpenTelemetry', () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('steelyard');
  const pods = ['a', 'b', 'c'].map((name) => new TestPod(name));
  const target = (): string => `headless:///127.0.0.1:${pods[0]?.port}`;
  let end = (): void => undefined;

  before(async () => {
    register({ random: createSeededRandom(3) });
    for (const pod of pods) await pod.start();
    end = exportMetrics(meter);
  });
  afterEach(() => {
    closeClients();
    for (const pod of pods) pod.failWith = status.OK;
  });
  after(async () => {
    end();
    for (const pod of pods) pod.kill();
    await provider.shutdown();
  });

  /** What the exporter is given: name, then the points as `value attribute=value …`, sorted. */
  const collect = async (): Promise<Map<string, string[]>> => {
    exporter.reset();
    await reader.forceFlush();
    const data = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return new Map(data.map((each) => [each.descriptor.name, pointsOf(each)]));
  };
  const pointsOf = ({ dataPoints }: MetricData): string[] =>
    dataPoints
      .map(({ value, attributes }) => {
        const shown = typeof value === 'number' ? value : 'count' in value ? value.count : NaN;
        const labels = Object.entries(attributes).map(([name, text]) => `${name.split('.').at(-1)}=${String(text)}`);
        return [shown, ...labels].join(' ');
      })
      .toSorted();
  const openOver = (members: readonly TestPod[], serviceConfig: string): Client =>
    openClient(`ipv4:///${members.map(({ port }) => `127.0.0.1:${port}`).join()}`, {
      'grpc.service_config': serviceConfig,
    });

  test('calls, connections and look-ups of a target; a closed channel takes nothing away', async () => {
    const [pod] = pods;
    const client = openClient(target(), { interceptors: [callMetrics(meter, { target: target(), now: () => 0 })] });
    assert.ok(pod !== undefined);
    for (let calls = 0; calls < 4; calls++) await call(client);
    pod.failWith = status.NOT_FOUND;
    await assert.rejects(call(client));
    const endpoint = `127.0.0.1:${pod.port}`;
    const seen = await collect();
    assert.deepEqual(seen.get('grpc.client.call.duration'), [
      `1 method=steelyard.Test/Call target=${target()} status=NOT_FOUND`,
      `4 method=steelyard.Test/Call target=${target()} status=OK`,
    ]);
    assert.deepEqual(seen.get('grpc.client.attempt.started'), [`5 target=${target()} method=other`]);
    assert.deepEqual(seen.get('steelyard.client.endpoint.calls'), [`5 target=${target()} endpoint=${endpoint}`]);
    assert.deepEqual(seen.get('steelyard.client.endpoint.failures'), [`1 target=${target()} endpoint=${endpoint}`]);
    assert.deepEqual(seen.get('steelyard.client.endpoint.active'), [`0 target=${target()} endpoint=${endpoint}`]);
    assert.deepEqual(seen.get('grpc.subchannel.open_connections'), [`1 target=${target()}`]);
    assert.deepEqual(seen.get('steelyard.client.resolutions'), [`1 target=${target()} outcome=found`]);
    client.close();
    const later = await collect();
    assert.deepEqual(later.get('grpc.client.attempt.started'), [`5 target=${target()} method=other`]);
    assert.deepEqual(later.get('grpc.subchannel.open_connections'), [`0 target=${target()}`]);
    assert.deepEqual(later.get('grpc.subchannel.disconnections'), [`1 target=${target()}`]);
  });

  test('connections that fail', async () => {
    const gone = await new TestPod('gone').start();
    gone.kill();
    await assert.rejects(call(openOver([gone], serviceConfigFor({ kind: 'RANDOM' }))));
    const [first = ''] = (await collect()).get('grpc.subchannel.connection_attempts_failed') ?? [];
    assert.match(first, /^[1-9]\d* target=$/);
  });

  test('ejections', async () => {
    const [a, b, c] = pods;
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const outlierDetection = { ...DEFAULT_OUTLIER_DETECTION, consecutiveFailures: 3 };
    const client = openOver([a, b, c], serviceConfigFor({ kind: 'ROUND_ROBIN' }, { outlierDetection }));
    await callUntil(client, answersFromAll(a, b, c));
    a.failWith = status.UNAVAILABLE;
    await countCalls(client, 30);
    assert.deepEqual((await collect()).get('grpc.lb.outlier_detection.ejections_enforced_total'), ['1 target=']);
  });

  test('weights: none are usable yet, so turns are equal', async () => {
    const client = openOver(pods, serviceConfigFor({ kind: 'WEIGHTED_ROUND_ROBIN', options: WEIGHTED }));
    await callUntil(client, answersFromAll(...pods));
    const seen = await collect();
    const count = (name: string): number => Number(/^\d+/.exec(seen.get(name)?.[0] ?? '')?.[0]);
    assert.ok(count('grpc.lb.wrr.rr_fallback') >= 1);
    assert.ok(count('grpc.lb.wrr.endpoint_weight_not_yet_usable') >= 3);
    assert.ok(count('grpc.lb.wrr.endpoint_weights') >= 3);
    assert.equal(seen.get('grpc.lb.wrr.endpoint_weight_stale')?.length ?? 0, 0);
  });

  test('every metric has its unit and its kind', async () => {
    exporter.reset();
    await reader.forceFlush();
    const data = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    const known = new Map<string, readonly string[]>(Object.entries(METRICS));
    assert.ok(data.length >= 12, `${data.length} metrics`);
    for (const { descriptor } of data) {
      const [, unit, description] = known.get(descriptor.name) ?? [];
      assert.deepEqual([descriptor.unit, descriptor.description], [unit, description], descriptor.name);
    }
  });

  test('after the end nothing is heard of any more', async () => {
    end();
    await call(openClient(target()));
    const calls = (await collect())
      .get('steelyard.client.endpoint.calls')
      ?.filter((point) => point.includes('headless'));
    assert.deepEqual(calls, [`5 target=${target()} endpoint=127.0.0.1:${pods[0]?.port}`], 'five, as before it');
  });
});
