import { formatAddress } from '../../net-address.ts';
import type { LabReport } from './lab-report.ts';
import { renderBar } from './render-bar.ts';
import { renderMs, renderPercent, renderPValue } from './render-numbers.ts';
import { wrapText } from './wrap-text.ts';
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
/** Of running text. Bars and names may be wider. */
const TEXT_WIDTH = 100;

/** The experiment for a reader: a block a way, a bar a pod. */
export function renderLabReport(report: LabReport, paint: ReportPaint): string {
  const pods = new Set(report.ways.flatMap((way) => way.pods.map((pod) => `${pod.address}:${pod.port}`))).size;
  const count = `${pods} ${pods === 1 ? 'pod' : 'pods'}`;
  const blocks = report.ways.map((way) => renderWayReport(way, paint));
  const skipped = report.skipped.map(({ way, reason }) => `${paint.heading(way)}  not measured: ${reason}\n`);
  const head = `Service ${report.service} at ${report.clusterIp}, ${count}, one gRPC channel a way, seed ${report.seed}\n`;
  return [head, ...blocks, ...skipped].join('\n');
}

function renderWayReport(report: WayReport, paint: ReportPaint): string {
  const names = Math.max(...report.pods.map((pod) => pod.name.length));
  const addresses = Math.max(...report.pods.map((pod) => podAddress(pod).length));
  const digits = Math.max(...report.pods.map((pod) => String(pod.calls).length));
  const lines = report.pods.map((pod) => {
    const bar = renderBar(pod.share, pod.expectedShare, BAR_WIDTH);
    const share = renderPercent(pod.share).padStart(7);
    const expected = paint.faint(`expected ${renderPercent(pod.expectedShare)}`);
    const who = `${pod.name.padEnd(names)}  ${podAddress(pod).padEnd(addresses)}`;
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
    `${paint.heading(report.way)}  ${report.how}`,
    ...lines,
    `  ${figures.join(' · ')}`,
    ...wrapText(report.verdict, TEXT_WIDTH - 2).map((line) => `  ${paintVerdict(line)}`),
    '',
  ].join('\n');
}

function podAddress({ address, port }: PodReport): string {
  return formatAddress({ host: address, port });
}

function renderChiSquare(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : 'infinite';
}
