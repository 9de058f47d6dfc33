import { formatAddress } from '../../net-address.ts';
import type { LabReport } from './lab-report.ts';
import { renderBar } from './render-bar.ts';
import { renderMs, renderPercent, renderPValue } from './render-numbers.ts';
import { indentText, wrapText } from './wrap-text.ts';
import type { PodReport, WayReport } from './lab-report.ts';

/** How parts of the report are painted; all identity where there is no colour. */
export interface ReportPaint {
  readonly heading: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

const plain = (text: string): string => text;
export const PLAIN_PAINT: ReportPaint = { heading: plain, good: plain, bad: plain, faint: plain };

const BAR_WIDTH = 24;
/** Of a pod's row without its names, its calls and its bar: `  100.0 %   calls  expected 100.0 %` and what is between. */
const ROW_WIDTH = 39;
/** A bar that says less than this says nothing. */
const LEAST_BAR_WIDTH = 8;
/** Of running text. Bars and names may be wider. */
const TEXT_WIDTH = 100;

/**
 * The experiment for a reader: a block a way, a bar a pod.
 *
 * @param columns of the terminal: where there are few, bars are shorter, and pods are called by their names only.
 */
export function renderLabReport(report: LabReport, paint: ReportPaint, columns: number = Infinity): string {
  const pods = new Set(report.ways.flatMap((way) => way.pods.map((pod) => `${pod.address}:${pod.port}`))).size;
  const count = `${pods} ${pods === 1 ? 'pod' : 'pods'}`;
  const blocks = report.ways.map((way) => renderWayReport(way, paint, columns));
  const skipped = report.skipped.map(({ way, reason }) => `${paint.heading(way)}  not measured: ${reason}\n`);
  const head = `Service ${report.service} at ${report.clusterIp}, ${count}, one gRPC channel a way, seed ${report.seed}`;
  return [...wrapText(head, columns), '', ...blocks, ...skipped].join('\n');
}

function renderWayReport(report: WayReport, paint: ReportPaint, columns: number): string {
  const names = Math.max(...report.pods.map((pod) => pod.name.length));
  const addresses = Math.max(...report.pods.map((pod) => podAddress(pod).length));
  const digits = Math.max(...report.pods.map((pod) => String(pod.calls).length));
  const rest = names + digits + ROW_WIDTH;
  const showAddresses = columns >= rest + addresses + 2 + LEAST_BAR_WIDTH;
  const room = columns - rest - (showAddresses ? addresses + 2 : 0);
  const barWidth = Math.min(BAR_WIDTH, Math.max(LEAST_BAR_WIDTH, room));
  const textWidth = Math.min(TEXT_WIDTH, columns) - 2;
  const lines = report.pods.map((pod) => {
    const bar = renderBar(pod.share, pod.expectedShare, barWidth);
    const share = renderPercent(pod.share).padStart(7);
    const expected = paint.faint(`expected ${renderPercent(pod.expectedShare)}`);
    const who = pod.name.padEnd(names) + (showAddresses ? `  ${podAddress(pod).padEnd(addresses)}` : '');
    return `  ${who}  ${bar}  ${share}  ${String(pod.calls).padStart(digits)} calls  ${expected}`;
  });
  const figures = [
    `${report.calls} calls`,
    `${report.errors} errors`,
    `chi-square ${renderChiSquare(report.chiSquare)}, ${renderPValue(report.pValue)}`,
    `median ${renderMs(report.latency.medianMs)}`,
    `p99 ${renderMs(report.latency.p99Ms)}`,
  ];
  const paintVerdict = report.asExpected ? paint.good : paint.bad;
  return [
    ...indentText(report.how, columns, `${report.way}  `, '  ').map((line) =>
      line.startsWith(report.way) ? paint.heading(report.way) + line.slice(report.way.length) : line,
    ),
    ...lines,
    ...indentText(figures.join(' · '), columns, '  '),
    ...wrapText(report.verdict, textWidth).map((line) => `  ${paintVerdict(line)}`),
    '',
  ].join('\n');
}

function podAddress({ address, port }: PodReport): string {
  return formatAddress({ host: address, port });
}

function renderChiSquare(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : 'infinite';
}
