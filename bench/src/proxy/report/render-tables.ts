import { ratioLimit } from './bars.ts';
import type { Bar, Cell, MemoryRow, OpenLoopReport, ProxyReport } from './report.ts';
import { textTable } from '../../text-table.ts';

/** The report for a terminal. */
export function renderTables(report: ProxyReport): string {
  const parts = [
    report.cells.length > 0 ? cpuTable(report) : '',
    report.openLoop === null ? '' : latencyTable(report.openLoop),
    report.memory.length > 0 ? memoryTable(report.memory) : '',
    report.bars.length > 0 ? barTable(report.bars) : '',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function cpuTable(report: ProxyReport): string {
  const header = [
    'shape',
    'subject',
    'CPU us/call',
    'calls/s',
    'busy',
    'kernel',
    'p50 ms',
    'p99 ms',
    'ours/its',
    'bar',
  ];
  return textTable(
    header,
    report.cells.map((cell) => cpuLine(report, cell)),
    2,
  );
}

function cpuLine({ ratios }: ProxyReport, { shape, upstreams, subject, figure, void: reason }: Cell): string[] {
  const name = upstreams === 1 ? shape : `${shape} /${upstreams}`;
  if (figure === null) return [name, subject, `void: ${reason ?? ''}`.slice(0, 100)];
  const { cpuMicrosPerCall: cpu, callsPerSecond, busy, systemShare, p50Ms, p99Ms } = figure;
  const found = ratios.find((each) => each.shape === shape && each.upstreams === upstreams && each.peer === subject);
  const limit = ratioLimit(shape, upstreams, subject);
  return [
    name,
    subject,
    cpu.median.toFixed(2),
    String(callsPerSecond),
    percent(busy),
    percent(systemShare),
    p50Ms === null ? '' : p50Ms.toFixed(3),
    p99Ms === null ? '' : p99Ms.toFixed(3),
    found === undefined
      ? ''
      : `${found.ratio.median.toFixed(2)} [${found.ratio.least.toFixed(2)}-${found.ratio.most.toFixed(2)}]`,
    limit === undefined ? '' : limit.toFixed(2),
  ];
}

function latencyTable({ callsPerSecond, halfOf, rows, gc }: OpenLoopReport): string {
  const lines = rows.map(({ subject, latency, added, void: reason }) => {
    if (latency === null) return [subject, `void: ${reason ?? ''}`.slice(0, 100)];
    const { p50Ms, p99Ms, p999Ms } = latency;
    const above = added === null ? [] : [added.p50Ms, added.p99Ms, added.p999Ms];
    return [subject, ...[p50Ms, p99Ms, p999Ms, ...above].map((ms) => ms.toFixed(3))];
  });
  const header = ['subject', 'p50 ms', 'p99 ms', 'p99.9 ms', 'added p50', 'added p99', 'added p99.9'];
  const title = `open loop, ${callsPerSecond} calls a second (half of what ${halfOf} bears)\n`;
  const pauses =
    gc === null
      ? ''
      : `our garbage collector: ${gc.pauses} pauses in ${gc.seconds} s, the longest ${gc.mostMs} ms; ` +
        `${(gc.shareInLongPauses * 100).toFixed(3)} % of calls meet one of more than 5 ms\n`;
  return title + textTable(header, lines, 1) + pauses;
}

function memoryTable(rows: readonly MemoryRow[]): string {
  const header = ['subject', 'connections', 'KiB each', 'MiB with 1000 calls/s'];
  return textTable(
    header,
    rows.map(({ subject, connections, kibPerConnection, busyMib, void: reason }) =>
      reason === null
        ? [subject, String(connections), String(kibPerConnection), String(busyMib)]
        : [subject, `void: ${reason}`.slice(0, 100)],
    ),
    1,
  );
}

function barTable(bars: readonly Bar[]): string {
  return textTable(
    ['bar', 'measured', 'at most', ''],
    bars.map(({ what, value, limit, unit, met }) => [
      what,
      value === null ? 'not measured' : `${value.toFixed(2)} ${unit}`.trim(),
      `${limit.toFixed(2)} ${unit}`.trim(),
      met ? 'met' : 'NOT met',
    ]),
    1,
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
