import type { KindStatus } from './cluster/kind-status.ts';

/** How it stands with the API server, in the text format of Prometheus. */
export function renderKubeMetrics(statuses: readonly KindStatus[]): string {
  const lines: string[] = [];
  const metric = (name: string, type: string, help: string, read: (status: KindStatus) => number | undefined): void => {
    const values = statuses.flatMap((status) => {
      const value = read(status);
      return value === undefined ? [] : [`${name}{kind="${status.kind}"} ${value}`];
    });
    if (values.length > 0) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values);
  };
  metric('steelyard_kube_objects', 'gauge', 'Objects known.', ({ objects }) => objects);
  metric('steelyard_kube_synced', 'gauge', 'Whether a complete list has come.', ({ synced }) => Number(synced));
  metric('steelyard_kube_watching', 'gauge', 'Whether what is known is up to date.', ({ phase }) =>
    Number(phase === 'watching'),
  );
  metric('steelyard_kube_age_seconds', 'gauge', 'Since the API server last said something.', ({ ageMs }) =>
    ageMs === undefined ? undefined : ageMs / 1000,
  );
  metric('steelyard_kube_events_total', 'counter', 'Events of watches.', ({ counts }) => counts.events);
  metric('steelyard_kube_lists_total', 'counter', 'Lists asked for.', ({ counts }) => counts.lists);
  metric('steelyard_kube_watches_total', 'counter', 'Watches asked for.', ({ counts }) => counts.watches);
  metric(
    'steelyard_kube_expired_total',
    'counter',
    'Answers and events with code 410.',
    ({ counts }) => counts.expired,
  );
  metric('steelyard_kube_failures_total', 'counter', 'Requests that failed.', ({ counts }) => counts.failures);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
