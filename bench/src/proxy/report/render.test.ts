import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { barsOf } from './bars.ts';
import { readReport } from './read-report.ts';
import { renderMarkdown } from './render-markdown.ts';
import { renderSvg } from './render-svg.ts';
import { renderTables } from './render-tables.ts';
import { FORMAT, type Cell, type ProxyReport, type Ratio } from './report.ts';
import { spreadOf } from '../../statistics.ts';
import { writeDocs } from './write-docs.ts';

const cell = (shape: string, upstreams: number, subject: Cell['subject'], cpu: number, leastShare = 1): Cell => ({
  shape,
  upstreams,
  subject,
  void: null,
  figure: {
    cpuMicrosPerCall: spreadOf([cpu, cpu + 1, cpu + 2]),
    callsPerSecond: 1234,
    busy: 0.91,
    systemShare: 0.5,
    p50Ms: 0.25,
    p99Ms: null,
    leastShare,
  },
});
const ratios: readonly Ratio[] = [
  { shape: '1x100', upstreams: 1, peer: 'nghttpx', ratio: spreadOf([0.61, 0.66, 0.7]) },
  { shape: '1x100', upstreams: 8, peer: 'nghttpx', ratio: spreadOf([3]) },
];
const quantiles = { p50Ms: 0.125, p99Ms: 2, p999Ms: 3 };
const openLoop: ProxyReport['openLoop'] = {
  callsPerSecond: 50_000,
  halfOf: 'nghttpx',
  connections: 10,
  rows: [
    { subject: 'direct', void: null, latency: quantiles, added: null },
    { subject: 'steelyard', void: null, latency: quantiles, added: quantiles },
    { subject: 'envoy', void: 'calls pile up', latency: null, added: null },
  ],
  gc: { pauses: 9, seconds: 4, mostMs: 1.5, totalMs: 8, shareInLongPauses: 0 },
};
const memory: ProxyReport['memory'] = [
  { subject: 'steelyard', void: null, connections: 10_000, kibPerConnection: 11.5, busyMib: 190 },
];
const report: ProxyReport = {
  format: FORMAT,
  date: '2026-11-23T10:00:00.000Z',
  versions: { node: '20.0.0', steelyard: '0.1.0', nghttpx: '1.52.0' },
  machine: { cpu: 'Some CPU', cpus: 2, kernel: '6.1', memoryGib: 24, pinned: true },
  rounds: 3,
  seconds: 0.6,
  rules: 0,
  missing: ['haproxy'],
  cells: [
    cell('1x100', 1, 'steelyard', 3),
    cell('1x100', 1, 'nghttpx', 5),
    { shape: '1x100', upstreams: 1, subject: 'nginx', void: '1 failed', figure: null },
    cell('1x100', 8, 'steelyard', 4),
    cell('1x100', 8, 'nghttpx', 6, 0.25),
  ],
  ratios,
  openLoop,
  memory,
  bars: barsOf(ratios, openLoop, memory),
};

describe('the report for a terminal', () => {
  const text = renderTables(report);
  const lines: readonly RegExp[] = [
    /^1x100 {5}steelyard +4\.00 +1234 +91 % +50 % +0\.250$/m,
    /^1x100 {5}nghttpx .* 0\.66 \[0\.61-0\.70\] +0\.60$/m,
    /^1x100 {5}nginx +void: 1 failed$/m,
    /^1x100 \/8 {2}nghttpx .* 3\.00 \[3\.00-3\.00\]$/m,
    /^envoy +void: calls pile up$/m,
    /^CPU per call at 1x100, over nghttpx's +0\.66 +0\.60 +NOT met$/m,
    /^memory of an idle connection +11\.50 KiB +12\.00 KiB +met$/m,
  ];
  for (const line of lines) it(`has ${line.source}`, () => assert.match(text, line));
});

describe('the report for the documentation', () => {
  const text = renderMarkdown(report);
  const lines: readonly RegExp[] = [
    /Node 20\.0\.0; nghttpx 1\.52\.0\. 3 rounds of 0\.6 s each\. .* Not installed, so not measured: HAProxy\./,
    /^\| 1x100 +\| 1 connection, 100 calls under way +\| +4\.00 \| \*\*0\.66\*\* \[0\.61–0\.70\] \|$/m,
    /^nginx has no figure at 1x100: 1 failed\.$/m,
    /^nghttpx at 1x100, 8 upstreams gives one backend 0\.25 of an even share\.$/m,
    /9 pauses in 4 s, 8 ms in all, the longest 1\.5 ms; 0\.000 % of calls/,
    /^\| Envoy +\| +void: calls pile up \|/m,
  ];
  for (const line of lines) it(`has ${line.source}`, () => assert.match(text, line));

  it('pads its tables as the formatter does', () => {
    const table = text.split('\n').filter((line) => line.startsWith('| 1x100') || line.startsWith('| shape'));
    assert.equal(new Set(table.slice(0, 3).map((line) => line.length)).size, 1, table.join('\n'));
  });
});

describe('the chart', () => {
  const svg = renderSvg(report);

  it('has a bar for each ratio, cut off where it would be too long', () => {
    assert.equal(svg.match(/<rect class="nghttpx" x="300" y="\d+" width="\d+" height="10"/g)?.length, 2);
    assert.match(svg, />0\.66<\/text>/);
    assert.match(svg, />3\.00 →<\/text>/);
    assert.match(svg, /prefers-color-scheme:dark/);
  });

  it('closes what it opens', () => {
    const open: string[] = [];
    for (const [, end, name = '', empty] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
      if (end === '/') assert.equal(open.pop(), name);
      else if (empty === '') open.push(name);
    }
    assert.deepEqual(open, []);
  });
});

describe('writing the documentation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-docs-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const page = join(folder, 'benchmarks.md');

  it('leaves what people wrote, and keeps the report beside it', () => {
    writeFileSync(
      page,
      'Before.\n\n<!-- proxy: written by `npm run bench -- --write-docs` -->\n\nold\n\n<!-- proxy: end -->\n\nAfter.\n',
    );
    const [, , json = ''] = writeDocs(report, folder);
    const once = readFileSync(page, 'utf8');
    assert.match(once, /^Before\.\n[^]*Measured on 2026-11-23[^]*\nAfter\.\n$/);
    assert.doesNotMatch(once, /\nold\n/);
    writeDocs(readReport(json), folder);
    assert.equal(readFileSync(page, 'utf8'), once);
  });

  it('refuses a page without a place for it, and a file that is no report', () => {
    writeFileSync(page, 'Nothing.\n');
    assert.throws(() => writeDocs(report, folder), /benchmarks\.md: has no lines/);
    writeFileSync(page, '{}');
    assert.throws(() => readReport(page), /is not a report of this benchmark/);
  });
});
