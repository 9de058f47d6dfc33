import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { isProxyReport } from './report/report.ts';

/** A run of the whole with tiny counts, of our own proxy only: no figure is looked at, only that there are some. */
const program = join(import.meta.dirname, '..', 'main.js');
const results = mkdtempSync(join(tmpdir(), 'steelyard-bench-'));
after(() => rmSync(results, { recursive: true, force: true }));

function bench(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, ...texts }));
  });
}

describe('the benchmark of the proxy', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  it('has a figure for each shape', async () => {
    const shapes = ['2x5', 'tls-2x2', 'stream'];
    const quick = [
      '--parts',
      'cpu,latency',
      '--peers',
      'none',
      '--rounds',
      '1',
      '--seconds',
      '0.1',
      '--upstreams',
      '1,2',
    ];
    const { code, stdout, stderr } = await bench(
      ...quick,
      '--shapes',
      shapes.join(','),
      '-o',
      'json',
      '--keep',
      results,
    );
    assert.equal(code, 0, stderr.slice(-1000));
    assert.equal(readdirSync(results).length, 1, 'the report is kept');
    const report: unknown = JSON.parse(stdout);
    assert.ok(isProxyReport(report));
    assert.deepEqual(
      report.cells.map(({ shape, upstreams }) => `${shape}/${upstreams}`),
      ['2x5/1', 'stream/1', 'tls-2x2/1', '2x5/2'],
    );
    for (const { figure, shape } of report.cells) assert.ok((figure?.cpuMicrosPerCall.median ?? 0) > 0, shape);
    assert.ok((report.cells.at(-1)?.figure?.leastShare ?? 0) > 0.3, 'calls go over both upstreams');
    assert.deepEqual(
      report.openLoop?.rows.map(({ subject }) => subject),
      ['direct', 'steelyard'],
    );
    assert.match(stderr, /round 1\/1 {2}1 upstream {3}/);
  });

  const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--shapes', 'nope'], /--shapes nope: must be CxS/],
    [['nope'], /there is no suite nope/],
    [['--rounds'], /--rounds/],
  ];
  for (const [args, says] of wrong) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await bench(...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }
});
