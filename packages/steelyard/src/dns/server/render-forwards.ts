import { mergeHistograms } from '../../histogram.ts';
import {
  joinSamples,
  type MetricFamily,
  only,
  renderHistogram,
  renderNumbers,
  type Sample,
} from '../../metric-text.ts';
import type { ForwardReport } from '../forward/forwarder.ts';
import { codeName } from './metric-labels.ts';

type UpstreamReport = ForwardReport['upstreams'][number];

/** What `/metrics` says of other names: CoreDNS's plugins forward and cache. Nothing where nothing is forwarded. */
export function renderForwards(forwards: readonly ForwardReport[]): string {
  if (forwards.length === 0) return '';
  const total = (pick: (report: ForwardReport) => number): number => sum(forwards.map(pick));
  const upstreams = forwards.flatMap((report) => report.upstreams);
  const perUpstream = (labels: readonly string[], pick: (one: UpstreamReport) => number): Sample<number>[] =>
    joinSamples(
      upstreams.map((one) => ({ labels: [...labels, one.name], value: pick(one) })),
      sum,
    );
  const times = upstreams.flatMap(({ name, answers }) =>
    [...answers].map(([code, value]) => ({ labels: ['forward', name, codeName(code)], value })),
  );
  const perKind = (pick: (report: ForwardReport, kind: 'success' | 'denial') => number): Sample<number>[] =>
    (['success', 'denial'] as const).map((kind) => ({ labels: [kind], value: total((report) => pick(report, kind)) }));
  const hits = perKind(({ cache }, kind) => cache.hits[kind]);
  const misses = total(({ cache }) => cache.misses);
  return [
    renderHistogram(FAMILIES.duration, joinSamples(times, mergeHistograms)),
    renderNumbers(
      FAMILIES.failures,
      perUpstream([], ({ failures }) => failures),
    ),
    renderNumbers(
      FAMILIES.probeFailures,
      perUpstream(['forward'], ({ probeFailures }) => probeFailures),
    ),
    renderNumbers(
      FAMILIES.healthy,
      perUpstream([], ({ healthy }) => Number(healthy)),
    ),
    renderNumbers(FAMILIES.rejects, only(total(({ rejected }) => rejected))),
    renderNumbers(
      FAMILIES.entries,
      perKind(({ cacheSizes }, kind) => cacheSizes[kind]),
    ),
    renderNumbers(FAMILIES.hits, hits),
    renderNumbers(FAMILIES.misses, only(misses)),
    renderNumbers(FAMILIES.requests, only(misses + sum(hits.map(({ value }) => value)))),
    renderNumbers(FAMILIES.evictions, only(total(({ cache }) => cache.evictions))),
  ].join('');
}

function sum(values: readonly number[]): number {
  return values.reduce((before, value) => before + value, 0);
}

const FAMILIES = {
  duration: {
    name: 'coredns_proxy_request_duration_seconds',
    type: 'histogram',
    help: 'The time each answer of an upstream took.',
    labels: ['proxy_name', 'to', 'rcode'],
  },
  failures: {
    name: 'steelyard_dns_upstream_failures_total',
    type: 'counter',
    help: 'Questions that an upstream did not answer.',
    labels: ['to'],
  },
  probeFailures: {
    name: 'coredns_proxy_healthcheck_failures_total',
    type: 'counter',
    help: 'Failed probes of upstreams taken for dead.',
    labels: ['proxy_name', 'to'],
  },
  healthy: {
    name: 'steelyard_dns_upstream_healthy',
    type: 'gauge',
    help: 'Processes for which this upstream answers.',
    labels: ['to'],
  },
  rejects: {
    name: 'coredns_forward_max_concurrent_rejects_total',
    type: 'counter',
    help: 'Questions refused because too many were under way.',
    labels: [],
  },
  entries: {
    name: 'coredns_cache_entries',
    type: 'gauge',
    help: 'The number of elements in the cache.',
    labels: ['type'],
  },
  hits: { name: 'coredns_cache_hits_total', type: 'counter', help: 'The count of cache hits.', labels: ['type'] },
  misses: { name: 'coredns_cache_misses_total', type: 'counter', help: 'The count of cache misses.', labels: [] },
  requests: { name: 'coredns_cache_requests_total', type: 'counter', help: 'The count of cache requests.', labels: [] },
  evictions: {
    name: 'coredns_cache_evictions_total',
    type: 'counter',
    help: 'The count of cache evictions.',
    labels: [],
  },
} satisfies Readonly<Record<string, MetricFamily>>;
