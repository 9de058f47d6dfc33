import { renderMs } from '../report/render-numbers.ts';
import type { ReportPaint } from '../report/render-report.ts';
import { indentText, wrapText } from '../report/wrap-text.ts';
import type { CallerReport, ScenarioCaller, ScenarioPod, ScenarioReport } from './scenario-report.ts';

/** Of running text; the rows are as wide as the seconds are many. */
const TEXT_WIDTH = 100;
const CELL = 4;
const CALLERS: Readonly<Record<ScenarioCaller, string>> = {
  steelyard: '@steelyard/grpc-js, headless:',
  'grpc-js': 'grpc-js as it comes, dns:',
};

/**
 * The scenario for a reader: a block a caller, a row a pod, a column a second.
 *
 * @param columns of the terminal, which running text keeps to
 */
export function renderScenarioReport(report: ScenarioReport, paint: ReportPaint, columns: number = TEXT_WIDTH): string {
  const width = Math.min(TEXT_WIDTH, columns);
  const { scenario, service, steps, ttlSeconds, callsPerSecond, seed } = report;
  const head = `Scenario ${scenario} on ${service}, TTL ${ttlSeconds} s, ${callsPerSecond} calls a second from each caller, seed ${seed}`;
  const events = steps.map(({ atMs, added, removed }) => {
    const what = [
      ...(added.length > 0 ? [`${added.join(', ')} ready`] : []),
      ...(removed.length > 0 ? [`${removed.join(', ')} ends`] : []),
    ];
    return indentText(`after ${renderMs(atMs)}: ${what.join('; ')}`, width, '  ', '    ');
  });
  const blocks = report.callers.map((caller) => renderCaller(caller, paint, width));
  return [...indentText(head, width, '', '  '), ...events.flat(), '', ...blocks].join('\n');
}

function renderCaller(report: CallerReport, paint: ReportPaint, width: number): string {
  const { caller, policy, pods, errorsPerSecond, verdict, asExpected } = report;
  const names = Math.max(...pods.map(({ name }) => name.length), 'failed calls'.length);
  const totals = errorsPerSecond.map((errors, second) =>
    pods.reduce((sum, { callsPerSecond }) => sum + (callsPerSecond[second] ?? 0), errors),
  );
  const row = (name: string, cells: readonly string[], end = ''): string =>
    `  ${name.padEnd(names)} ${cells.map((cell) => cell.padStart(CELL)).join('')}${end}`.trimEnd();
  const share = (pod: ScenarioPod, second: number): string => {
    const calls = pod.callsPerSecond[second] ?? 0;
    return calls === 0 ? '·' : String(Math.round((100 * calls) / (totals[second] ?? 1)));
  };
  const good = (asExpected && caller === 'steelyard') || report.errors === 0 ? paint.good : paint.bad;
  const anyNever = pods.some(({ firstCallAfterMs }) => firstCallAfterMs === null);
  const paintVerdict = !asExpected || anyNever ? paint.bad : good;
  return [
    `${paint.heading(CALLERS[caller])}  ${policy}; each second's calls in percent`,
    paint.faint(
      row(
        'second',
        errorsPerSecond.map((_, second) => String(second + 1)),
      ),
    ),
    ...pods.map((pod) =>
      row(
        pod.name,
        errorsPerSecond.map((_, second) => share(pod, second)),
        paint.faint(firstCall(pod)),
      ),
    ),
    row(
      'failed calls',
      errorsPerSecond.map((errors) => (errors === 0 ? '·' : String(errors))),
    ),
    ...wrapText(verdict, width - 2).map((line) => `  ${paintVerdict(line)}`),
    '',
  ].join('\n');
}

function firstCall({ firstCallAfterMs }: ScenarioPod): string {
  if (firstCallAfterMs === undefined) return '';
  return firstCallAfterMs === null ? '  never a call' : `  first call after ${renderMs(firstCallAfterMs)}`;
}
