import type { HistogramReport } from '../../histogram.ts';
import {
  joinSamples,
  type MetricFamily,
  only,
  renderHistogram,
  renderNumbers,
  type Sample,
} from '../../metric-text.ts';
import type { AnswerCount } from './dns-metrics.ts';
import type { DnsReport } from './dns-report.ts';
import { codeName, typeName } from './metric-labels.ts';
import { renderForwards } from './render-forwards.ts';

/** What `/metrics` says of the answers, under CoreDNS's names, so that its dashboards work. Prometheus' text format. */
export function renderDnsMetrics(
  { metrics, forwards, limited }: DnsReport,
  zone: string,
  programming: HistogramReport,
): string {
  const zoned = (...labels: readonly string[]): string[] => [`${zone}.`, ...labels];
  const counts = (last: (count: AnswerCount) => string): Sample<number>[] =>
    joinSamples(
      metrics.answers.map((answer) => ({ labels: zoned(answer.transport, last(answer)), value: answer.count })),
      (values) => values.reduce((sum, value) => sum + value, 0),
    );
  const sizes = ({ udp, tcp }: typeof metrics.requestBytes): Sample<HistogramReport>[] => [
    { labels: zoned('udp'), value: udp },
    { labels: zoned('tcp'), value: tcp },
  ];
  return [
    renderNumbers(
      FAMILIES.requests,
      counts(({ type }) => typeName(type)),
    ),
    renderNumbers(
      FAMILIES.responses,
      counts(({ code }) => codeName(code)),
    ),
    renderHistogram(FAMILIES.duration, [{ labels: zoned(), value: metrics.seconds }]),
    renderHistogram(FAMILIES.requestSize, sizes(metrics.requestBytes)),
    renderHistogram(FAMILIES.responseSize, sizes(metrics.responseBytes)),
    renderHistogram(FAMILIES.programming, [{ labels: ['headless_with_selector'], value: programming }]),
    renderNumbers(FAMILIES.limited, only(limited)),
    renderForwards(forwards),
  ].join('');
}

const FAMILIES = {
  requests: {
    name: 'coredns_dns_requests_total',
    type: 'counter',
    help: 'Counter of DNS requests made per zone, protocol and type.',
    labels: ['zone', 'proto', 'type'],
  },
  responses: {
    name: 'coredns_dns_responses_total',
    type: 'counter',
    help: 'Counter of response status codes.',
    labels: ['zone', 'proto', 'rcode'],
  },
  duration: {
    name: 'coredns_dns_request_duration_seconds',
    type: 'histogram',
    help: 'Time each request took.',
    labels: ['zone'],
  },
  requestSize: {
    name: 'coredns_dns_request_size_bytes',
    type: 'histogram',
    help: 'Size of the requests.',
    labels: ['zone', 'proto'],
  },
  responseSize: {
    name: 'coredns_dns_response_size_bytes',
    type: 'histogram',
    help: 'Size of the responses.',
    labels: ['zone', 'proto'],
  },
  programming: {
    name: 'coredns_kubernetes_dns_programming_duration_seconds',
    type: 'histogram',
    help: 'From the change of endpoints to the answer that has it.',
    labels: ['service_kind'],
  },
  limited: {
    name: 'steelyard_dns_rate_limited_total',
    type: 'counter',
    help: 'Answers cut or left out by the rate limit.',
    labels: [],
  },
} satisfies Readonly<Record<string, MetricFamily>>;
