import { type MetricFamily, renderNumbers } from '../metric-text.ts';
import type { KindStatus } from './cluster/kind-status.ts';

/** By kind of object; a kind that has no value is left out. */
const METRICS: readonly (readonly [
  name: string,
  type: MetricFamily['type'],
  help: string,
  read: (status: KindStatus) => number | undefined,
])[] = [
  ['objects', 'gauge', 'Objects known.', ({ objects }) => objects],
  ['synced', 'gauge', 'Whether a complete list has come.', ({ synced }) => Number(synced)],
  ['watching', 'gauge', 'Whether what is known is up to date.', ({ phase }) => Number(phase === 'watching')],
  [
    'age_seconds',
    'gauge',
    'Since the API server last said something.',
    ({ ageMs }) => (ageMs === undefined ? undefined : ageMs / 1000),
  ],
  ['events_total', 'counter', 'Events of watches.', ({ counts }) => counts.events],
  ['lists_total', 'counter', 'Lists asked for.', ({ counts }) => counts.lists],
  ['watches_total', 'counter', 'Watches asked for.', ({ counts }) => counts.watches],
  ['expired_total', 'counter', 'Answers and events with code 410.', ({ counts }) => counts.expired],
  ['failures_total', 'counter', 'Requests that failed.', ({ counts }) => counts.failures],
];

/** How it stands with the API server, in the text format of Prometheus. */
export function renderKubeMetrics(statuses: readonly KindStatus[]): string {
  return METRICS.map(([name, type, help, read]) =>
    renderNumbers(
      { name: `steelyard_kube_${name}`, type, help, labels: ['kind'] },
      statuses.flatMap((status) => {
        const value = read(status);
        return value === undefined ? [] : [{ labels: [status.kind], value }];
      }),
    ),
  ).join('');
}
