import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestSource, readWorkspaceFile } from '@steelyard/testkit';
import { LatencyHistogram } from './metrics-histogram.ts';
import { METRICS } from './metrics-names.ts';
import { renderMetrics } from './metrics-page.ts';
import { EMPTY_REPORT, mergeReports, type ProxyReport, settleReport } from './metrics-report.ts';

const families = Object.values(METRICS);

function latency(...values: readonly number[]): { counts: Float64Array; sumUs: number } {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return { counts: histogram.counts, sumUs: histogram.sumUs };
}

const report: ProxyReport = {
  ...EMPTY_REPORT,
  methods: [
    {
      method: 'pkg.Echo/Say',
      started: 5,
      ended: [
        { status: 0, ...latency(100, 300, 5000) },
        { status: 14, ...latency(70) },
      ],
      attempts: [
        {
          target: 'outbound|8000||backend',
          started: 6,
          kinds: { retries: 1, transparentRetries: 2, hedges: 3, mirrored: 4 },
          ended: [{ status: 0, ...latency(90, 250) }],
        },
      ],
    },
  ],
  endpoints: [
    {
      key: '10.0.0.1:8000',
      active: 2,
      failing: false,
      connections: 1,
      started: 6,
      byStatus: Float64Array.from({ length: 17 }, (_, i) => (i === 0 ? 3 : i === 14 ? 1 : 0)),
      latency: latency(100, 300),
    },
  ],
  clusters: [
    {
      name: 'outbound|8000||backend',
      policy: 'LEAST_REQUEST',
      active: 2,
      waiting: 4,
      refused: { maxRequests: 3 },
      open: [],
      members: [
        { key: '10.0.0.1:8000', ejected: true, ejections: 2, probe: 'unhealthy', warmth: 1, handicap: 1, weight: 0 },
      ],
    },
  ],
  faults: {
    downstream: { connections: new Map([['ENHANCE_YOUR_CALM', 2]]), streams: new Map() },
    upstream: { connections: new Map(), streams: new Map([['PROTOCOL_ERROR', 3]]) },
  },
  downstream: { opened: 9, closed: 4, failed: 1, receivedOctets: 1000, sentOctets: 2000 },
  cpuSeconds: 1.5,
  residentBytes: 1024,
};

function page(of: ProxyReport = report): string {
  return renderMetrics({
    report: of,
    snapshot: createTestSource([]).current,
    ready: true,
    workers: { restarts: 1, hangs: 0, workers: [{ id: 1, pid: 7, connections: 3 }] },
    startedAt: 1_000_000,
  });
}

/** Prometheus' text format 0.0.4, read strictly. */
function read(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    if (/^# (HELP [a-z_]+ \S.*|TYPE [a-z_]+ (counter|gauge|histogram))$/.test(line)) continue;
    const { series, value } =
      /^(?<series>[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)+\})?) (?<value>[\d.e+-]+)$/.exec(line)?.groups ?? {};
    assert.ok(series !== undefined && value !== undefined, `not a sample: ${line.slice(0, 200)}`);
    assert.ok(!samples.has(series), `twice: ${series}`);
    samples.set(series, Number(value));
  }
  return samples;
}

describe('/metrics', () => {
  test('the numbers are those of the report', () => {
    const samples = read(page());
    const histogram = 'grpc_server_call_duration_seconds';
    const ok = 'grpc_method="pkg.Echo/Say",grpc_status="OK"';
    const expected: readonly [string, number][] = [
      ['grpc_server_call_started_total{grpc_method="pkg.Echo/Say"}', 5],
      [`${histogram}_count{${ok}}`, 3],
      [`${histogram}_sum{${ok}}`, 0.0054],
      [`${histogram}_bucket{${ok},le="0.000128"}`, 1],
      [`${histogram}_bucket{${ok},le="0.000512"}`, 2],
      [`${histogram}_bucket{${ok},le="0.008192"}`, 3],
      [`${histogram}_bucket{${ok},le="+Inf"}`, 3],
      [`${histogram}_count{grpc_method="pkg.Echo/Say",grpc_status="UNAVAILABLE"}`, 1],
      ['grpc_client_attempt_started_total{grpc_method="pkg.Echo/Say",grpc_target="outbound|8000||backend"}', 6],
      ['grpc_client_call_retries_total{grpc_method="pkg.Echo/Say",grpc_target="outbound|8000||backend"}', 1],
      ['steelyard_endpoint_calls_total{endpoint="10.0.0.1:8000",grpc_status="OK"}', 3],
      ['steelyard_endpoint_calls_total{endpoint="10.0.0.1:8000",grpc_status="UNAVAILABLE"}', 1],
      ['steelyard_endpoint_active_calls{endpoint="10.0.0.1:8000"}', 2],
      ['steelyard_connections{side="downstream"}', 5],
      ['steelyard_connections_ended_total{side="downstream",code="ENHANCE_YOUR_CALM"}', 2],
      ['steelyard_streams_reset_total{side="upstream",code="PROTOCOL_ERROR"}', 3],
      ['steelyard_received_bytes_total{side="downstream"}', 1000],
      ['steelyard_worker_connections{worker="1"}', 3],
      ['steelyard_ready', 1],
      ['process_start_time_seconds', 1000],
    ];
    for (const [series, value] of expected) assert.equal(samples.get(series), value, series);
  });

  test('every family of the table is there, under its type, and no other', () => {
    const declared = Array.from(page().matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => `${name} ${type}`);
    assert.deepEqual(declared.toSorted(), families.map(({ name, type }) => `${name} ${type}`).toSorted());
  });

  test('reports of several processes add up; of one that ended, what it counted stays', () => {
    const samples = read(page(mergeReports([report, settleReport(report), EMPTY_REPORT])));
    assert.equal(samples.get('grpc_server_call_started_total{grpc_method="pkg.Echo/Say"}'), 10);
    const ok = 'grpc_method="pkg.Echo/Say",grpc_status="OK"';
    assert.equal(samples.get(`grpc_server_call_duration_seconds_bucket{${ok},le="0.000512"}`), 4);
    assert.equal(samples.get('steelyard_endpoint_calls_total{endpoint="10.0.0.1:8000",grpc_status="OK"}'), 6);
    assert.equal(samples.get('steelyard_endpoint_active_calls{endpoint="10.0.0.1:8000"}'), 2);
    assert.equal(samples.get('steelyard_streams_reset_total{side="upstream",code="PROTOCOL_ERROR"}'), 6);
    assert.equal(samples.get('steelyard_connections{side="downstream"}'), 5);
    assert.equal(samples.get('steelyard_connections_opened_total{side="downstream"}'), 18);
    const attempts = 'grpc_method="pkg.Echo/Say",grpc_target="outbound|8000||backend"';
    assert.equal(samples.get(`grpc_client_call_hedges_total{${attempts}}`), 6);
    assert.equal(samples.get('process_cpu_seconds_total'), 3);
    assert.equal(samples.get('process_resident_memory_bytes'), 1024);
  });

  test('labels are escaped', () => {
    const [method] = report.methods;
    assert.ok(method !== undefined);
    const odd = { ...report, methods: [{ ...method, method: 'a"b\\c\nd' }] };
    assert.equal(read(page(odd)).get(String.raw`grpc_server_call_started_total{grpc_method="a\"b\\c\nd"}`), 5);
  });
});

describe('the names of the metrics', () => {
  for (const { name, type, help, labels } of families) {
    test(name, () => {
      assert.match(name, /^(grpc|steelyard|process)(_[a-z]+)+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', 'counters, and only they, end with _total');
      assert.match(help, /^[A-Z1].*\.$/);
      for (const label of labels)
        assert.match(label, /^(grpc_(method|status|target)|endpoint|side|severity|worker|limit|code)$/);
    });
  }

  test("those of gRPC are gRFC A66's and A96's", () => {
    assert.deepEqual(
      families.map(({ name }) => name).filter((name) => name.startsWith('grpc_')),
      [
        'grpc_server_call_started_total',
        'grpc_server_call_duration_seconds',
        'grpc_client_attempt_started_total',
        'grpc_client_attempt_duration_seconds',
        'grpc_client_call_retries_total',
        'grpc_client_call_transparent_retries_total',
        'grpc_client_call_hedges_total',
      ],
    );
  });

  test('docs/operation.md has them all, in the same words, and no other', () => {
    const row = /^\| `((?:grpc|steelyard|process)_\w+)` +\|.*\| (.*?) +\|$/gm;
    const documented = readWorkspaceFile('docs/operation.md').matchAll(row);
    assert.deepEqual(
      Array.from(documented, ([, name, help]) => `${name}: ${help}`),
      families.map(({ name, help }) => `${name}: ${help}`),
    );
  });
});
