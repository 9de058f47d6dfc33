import type { ForwardReport } from '../forward/forwarder.ts';
import type { DnsReport } from './dns-report.ts';
import { type HistogramReport, mergeHistograms, renderHistogram } from '../histogram.ts';

/** As CoreDNS names them (plugin/metrics/vars); the rest is `other` there too. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [43, 'DS'],
  [46, 'RRSIG'],
  [48, 'DNSKEY'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [252, 'AXFR'],
  [255, 'ANY'],
]);
const CODE_NAMES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** What `/metrics` says of the answers, under CoreDNS's names, so that its dashboards work. Prometheus' text format. */
export function renderDnsMetrics(
  { metrics, forwards, limited }: DnsReport,
  zone: string,
  programming: HistogramReport,
): string {
  const zoneLabel = `zone="${zone}."`;
  const sum = (pick: (count: (typeof metrics.answers)[number]) => string): ReadonlyMap<string, number> => {
    const sums = new Map<string, number>();
    for (const count of metrics.answers) sums.set(pick(count), (sums.get(pick(count)) ?? 0) + count.count);
    return sums;
  };
  const requests = sum(
    ({ transport, type }) => `${zoneLabel},proto="${transport}",type="${TYPE_NAMES.get(type) ?? 'other'}"`,
  );
  const responses = sum(
    ({ transport, code }) => `${zoneLabel},proto="${transport}",rcode="${CODE_NAMES[code] ?? 'other'}"`,
  );
  const lines = [
    ...counter('coredns_dns_requests_total', 'Counter of DNS requests made per zone, protocol and type.', requests),
    ...counter('coredns_dns_responses_total', 'Counter of response status codes.', responses),
    ...head('coredns_dns_request_duration_seconds', 'histogram', 'Time each request took.'),
    ...renderHistogram('coredns_dns_request_duration_seconds', zoneLabel, metrics.seconds),
  ];
  for (const [name, help, sizes] of [
    ['coredns_dns_request_size_bytes', 'Size of the requests.', metrics.requestBytes],
    ['coredns_dns_response_size_bytes', 'Size of the responses.', metrics.responseBytes],
  ] as const) {
    lines.push(...head(name, 'histogram', help));
    for (const proto of ['udp', 'tcp'] as const) {
      lines.push(...renderHistogram(name, `${zoneLabel},proto="${proto}"`, sizes[proto]));
    }
  }
  lines.push(
    ...head(
      'coredns_kubernetes_dns_programming_duration_seconds',
      'histogram',
      'From the change of endpoints to the answer that has it.',
    ),
    ...renderHistogram(
      'coredns_kubernetes_dns_programming_duration_seconds',
      'service_kind="headless_with_selector"',
      programming,
    ),
    ...counter(
      'steelyard_dns_rate_limited_total',
      'Answers cut or left out by the rate limit.',
      new Map([['', limited]]),
    ),
    ...renderForwards(forwards),
  );
  return `${lines.join('\n')}\n`;
}

function renderForwards(forwards: readonly ForwardReport[]): readonly string[] {
  if (forwards.length === 0) return [];
  const total = (pick: (report: ForwardReport) => number): number => forwards.reduce((sum, one) => sum + pick(one), 0);
  const perUpstream = (
    name: string,
    pick: (one: ForwardReport['upstreams'][number]) => number,
  ): Map<string, number> => {
    const sums = new Map<string, number>();
    for (const upstream of forwards.flatMap(({ upstreams }) => upstreams)) {
      const label = `${name}="${upstream.name}"`;
      sums.set(label, (sums.get(label) ?? 0) + pick(upstream));
    }
    return sums;
  };
  const times = new Map<string, HistogramReport[]>();
  for (const upstream of forwards.flatMap(({ upstreams }) => upstreams)) {
    for (const [code, report] of upstream.answers) {
      const labels = `proxy_name="forward",to="${upstream.name}",rcode="${CODE_NAMES[code] ?? 'other'}"`;
      times.set(labels, [...(times.get(labels) ?? []), report]);
    }
  }
  const kinds = ['success', 'denial'] as const;
  const perKind = (pick: (report: ForwardReport, kind: 'success' | 'denial') => number): Map<string, number> =>
    new Map(kinds.map((kind) => [`type="${kind}"`, total((report) => pick(report, kind))]));
  const hits = perKind(({ cache }, kind) => cache.hits[kind]);
  const misses = total(({ cache }) => cache.misses);
  const requests = misses + [...hits.values()].reduce((sum, count) => sum + count, 0);
  return [
    ...head('coredns_proxy_request_duration_seconds', 'histogram', 'The time each answer of an upstream took.'),
    ...[...times].flatMap(([labels, reports]) =>
      renderHistogram('coredns_proxy_request_duration_seconds', labels, mergeHistograms(reports)),
    ),
    ...counter(
      'steelyard_dns_upstream_failures_total',
      'Questions that an upstream did not answer.',
      perUpstream('to', ({ failures }) => failures),
    ),
    ...counter(
      'coredns_proxy_healthcheck_failures_total',
      'Failed probes of upstreams taken for dead.',
      perUpstream('proxy_name="forward",to', ({ probeFailures }) => probeFailures),
    ),
    ...gauge(
      'steelyard_dns_upstream_healthy',
      'Processes for which this upstream answers.',
      perUpstream('to', ({ healthy }) => Number(healthy)),
    ),
    ...counter(
      'coredns_forward_max_concurrent_rejects_total',
      'Questions refused because too many were under way.',
      new Map([['', total(({ rejected }) => rejected)]]),
    ),
    ...gauge(
      'coredns_cache_entries',
      'The number of elements in the cache.',
      perKind(({ cacheSizes }, kind) => cacheSizes[kind]),
    ),
    ...counter('coredns_cache_hits_total', 'The count of cache hits.', hits),
    ...counter('coredns_cache_misses_total', 'The count of cache misses.', new Map([['', misses]])),
    ...counter('coredns_cache_requests_total', 'The count of cache requests.', new Map([['', requests]])),
    ...counter(
      'coredns_cache_evictions_total',
      'The count of cache evictions.',
      new Map([['', total(({ cache }) => cache.evictions)]]),
    ),
  ];
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function counter(name: string, help: string, values: ReadonlyMap<string, number>): string[] {
  return [...head(name, 'counter', help), ...series(name, values)];
}

function gauge(name: string, help: string, values: ReadonlyMap<string, number>): string[] {
  return [...head(name, 'gauge', help), ...series(name, values)];
}

function series(name: string, values: ReadonlyMap<string, number>): string[] {
  return [...values].map(([labels, count]) => (labels === '' ? `${name} ${count}` : `${name}{${labels}} ${count}`));
}
