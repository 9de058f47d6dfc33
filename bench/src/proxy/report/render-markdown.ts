import { SUBJECT_NAMES } from '@steelyard/tools/peers';
import { ratioLimit } from './bars.ts';
import { settingAbout, settingName, subjectTitle } from './names.ts';
import type { Bar, Cell, MemoryRow, OpenLoopReport, ProxyReport } from './report.ts';
import { groupBy } from '../../statistics.ts';

/** The part of docs/benchmarks.md that comes from a run. */
export function renderMarkdown(report: ProxyReport): string {
  const parts = [
    conditions(report),
    report.bars.length > 0 ? `### Bars\n\n${barTable(report.bars)}` : '',
    report.cells.length > 0
      ? `### CPU time per call\n\n${chart(report)}\n\n${cpuTable(report)}\n\n${costTable(report)}`
      : '',
    report.openLoop === null ? '' : `### Added latency\n\n${latency(report.openLoop)}`,
    report.memory.length > 0 ? `### Memory of idle connections\n\n${memoryTable(report.memory)}` : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function conditions({ date, machine, versions, rounds, seconds, rules, missing }: ProxyReport): string {
  const peers = SUBJECT_NAMES.flatMap((name) => {
    const version = versions[name];
    return version === undefined || name === 'steelyard' ? [] : [`${subjectTitle(name)} ${version}`];
  });
  const without =
    missing.length === 0 ? '' : ` Not installed, so not measured: ${missing.map(subjectTitle).join(', ')}.`;
  const routes = rules === 0 ? '' : ` Ours had ${rules} route rules ahead of the one that takes the calls.`;
  const pinned = machine.pinned
    ? 'The proxy has one CPU to itself, callers and backends share the others.'
    : 'Proxy, callers and backends share the CPUs.';
  return (
    `Measured on ${date.slice(0, 10)}: ${machine.cpus} x ${machine.cpu}, ${machine.memoryGib} GiB, Linux ${machine.kernel}, ` +
    `Node ${versions['node'] ?? '?'}; ${peers.join(', ')}. ${rounds} rounds of ${seconds} s each. ${pinned}${routes}${without}`
  );
}

function barTable(bars: readonly Bar[]): string {
  return table(
    ['bar', '>measured', '>at most', ''],
    bars.map(({ what, value, limit, unit, met }) => [
      what,
      value === null ? 'not measured' : `${value.toFixed(2)} ${unit}`.trim(),
      `${limit.toFixed(2)} ${unit}`.trim(),
      met ? 'met' : '**not met**',
    ]),
  );
}

function chart(report: ProxyReport): string {
  if (report.ratios.length === 0) return '';
  return `![Our CPU time per call over each peer's, by shape](benchmarks.svg)`;
}

/** Ours in microseconds, and the ratios with their spread; bold where a bar is not met. */
function cpuTable({ cells, ratios }: ProxyReport): string {
  const peers = SUBJECT_NAMES.filter((name) => ratios.some(({ peer }) => peer === name));
  const lines = bySetting(cells).map(([first]) => {
    const { shape, upstreams } = first;
    const ours = cells.find((cell) => sameSetting(cell, first) && cell.subject === 'steelyard');
    const found = peers.map((peer) => {
      const ratio = ratios.find((each) => sameSetting(each, first) && each.peer === peer)?.ratio;
      if (ratio === undefined) return 'void';
      const limit = ratioLimit(shape, upstreams, peer);
      const median = ratio.median.toFixed(2);
      const text = limit !== undefined && ratio.median > limit ? `**${median}**` : median;
      return `${text} [${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}]`;
    });
    return [settingName(shape, upstreams), settingAbout(shape, upstreams), cost(ours), ...found];
  });
  const header = ['shape', 'callers', '>ours, µs', ...peers.map((peer) => `>to ${subjectTitle(peer)}`)];
  return `Ours over each peer's; below 1 we are cheaper. Median of the rounds, and the least and most of them.\n\n${table(header, lines)}`;
}

/** Everybody in microseconds, and how the calls of several upstreams were spread. */
function costTable({ cells }: ProxyReport): string {
  const subjects = SUBJECT_NAMES.filter((name) => cells.some(({ subject }) => subject === name));
  const lines = bySetting(cells).map(([first]) => [
    settingName(first.shape, first.upstreams),
    ...subjects.map((name) => cost(cells.find((cell) => sameSetting(cell, first) && cell.subject === name))),
  ]);
  const header = ['µs of CPU per call', ...subjects.map((name) => `>${subjectTitle(name)}`)];
  const uneven = cells.filter(({ upstreams, figure }) => upstreams > 1 && figure !== null && figure.leastShare < 0.5);
  const spread = uneven.map(
    ({ shape, upstreams, subject, figure }) =>
      `${subjectTitle(subject)} at ${settingName(shape, upstreams)} gives one backend ${figure?.leastShare ?? 0} of an even share.`,
  );
  const voids = cells.flatMap(({ shape, upstreams, subject, void: reason }) =>
    reason === null ? [] : [`${subjectTitle(subject)} has no figure at ${settingName(shape, upstreams)}: ${reason}.`],
  );
  return [table(header, lines), ...spread, ...voids].join('\n\n');
}

function latency({ callsPerSecond, halfOf, connections, rows, gc }: OpenLoopReport): string {
  const lines = rows.map(({ subject, latency: own, added, void: reason }) => {
    const title = subjectTitle(subject);
    if (own === null) return [title, `void: ${reason ?? ''}`, '', '', '', '', ''];
    const above = added === null ? ['', '', ''] : [added.p50Ms, added.p99Ms, added.p999Ms].map((ms) => ms.toFixed(2));
    return [title, ...[own.p50Ms, own.p99Ms, own.p999Ms].map((ms) => ms.toFixed(2)), ...above];
  });
  const header = ['ms', '>p50', '>p99', '>p99.9', '>added p50', '>added p99', '>added p99.9'];
  const text =
    `Calls start at random, ${callsPerSecond} a second over ${connections} connections (half of what ${subjectTitle(halfOf)} bears), ` +
    'however long the replies take; latency counts from when a call was meant to start.';
  const pauses =
    gc === null
      ? []
      : [
          `Our garbage collector meanwhile: ${gc.pauses} pauses in ${gc.seconds} s, ${gc.totalMs} ms in all, the longest ${gc.mostMs} ms; ` +
            `${(gc.shareInLongPauses * 100).toFixed(3)} % of calls came in one of more than 5 ms.`,
        ];
  return [text, table(header, lines), ...pauses].join('\n\n');
}

function memoryTable(rows: readonly MemoryRow[]): string {
  const lines = rows.map(({ subject, connections, kibPerConnection, busyMib, void: reason }) => [
    subjectTitle(subject),
    String(connections),
    reason === null ? String(kibPerConnection) : `void: ${reason}`,
    busyMib === null ? '' : String(busyMib),
  ]);
  const text =
    'Growth of the resident memory over connections that have had one call each, and all of it while 1000 calls a second wander over them.';
  return `${text}\n\n${table(['', '>connections', '>KiB each', '>MiB in all, with calls'], lines)}`;
}

/** A header that begins with `>` is of figures. Padded the way the formatter of this workspace does it. */
function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const right = header.map((title) => title.startsWith('>'));
  const rows = [header.map((title) => title.replace(/^>/, '')), ...lines];
  const widths = header.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const rule = widths.map((width, column) =>
    right[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  const padded = rows.map((row) =>
    widths.map((width, column) =>
      right[column] === true ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width),
    ),
  );
  const [titles = [], ...rest] = padded;
  return [titles, rule, ...rest].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function cost(cell: Cell | undefined): string {
  return cell?.figure?.cpuMicrosPerCall.median.toFixed(2) ?? 'void';
}

function bySetting(cells: readonly Cell[]): (readonly [Cell, ...Cell[]])[] {
  const groups = groupBy(cells, ({ shape, upstreams }) => settingName(shape, upstreams));
  return [...groups.values()].flatMap(([first, ...rest]) => (first === undefined ? [] : [[first, ...rest] as const]));
}

function sameSetting(a: { readonly shape: string; readonly upstreams: number }, b: Cell): boolean {
  return a.shape === b.shape && a.upstreams === b.upstreams;
}
