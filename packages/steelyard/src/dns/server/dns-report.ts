import type { ForwardReport } from '../forward/forwarder.ts';
import { mergeHistograms } from '../../histogram.ts';
import type { MetricsReport } from './dns-metrics.ts';

/** What one process has to say of itself, or several together. */
export interface DnsReport {
  readonly metrics: MetricsReport;
  /** One a process, as each has its own cache; absent where nothing is forwarded. */
  readonly forwards: readonly ForwardReport[];
  /** Answers cut or left out by the rate limit. */
  readonly limited: number;
}

export function mergeReports(reports: readonly DnsReport[]): DnsReport {
  const answers = new Map<string, MetricsReport['answers'][number]>();
  for (const one of reports.flatMap(({ metrics }) => metrics.answers)) {
    const key = `${one.transport} ${one.type} ${one.code}`;
    answers.set(key, { ...one, count: one.count + (answers.get(key)?.count ?? 0) });
  }
  const merged = (pick: (metrics: MetricsReport) => MetricsReport['seconds']): MetricsReport['seconds'] =>
    mergeHistograms(reports.map(({ metrics }) => pick(metrics)));
  return {
    metrics: {
      answers: [...answers.values()],
      seconds: merged(({ seconds }) => seconds),
      requestBytes: {
        udp: merged(({ requestBytes }) => requestBytes.udp),
        tcp: merged(({ requestBytes }) => requestBytes.tcp),
      },
      responseBytes: {
        udp: merged(({ responseBytes }) => responseBytes.udp),
        tcp: merged(({ responseBytes }) => responseBytes.tcp),
      },
    },
    forwards: reports.flatMap(({ forwards }) => forwards),
    limited: reports.reduce((sum, { limited }) => sum + limited, 0),
  };
}
