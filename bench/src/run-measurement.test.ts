import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { keepReport } from './keep-report.ts';

const MAIN = resolve(import.meta.dirname, 'main.js');

suite('a suite that measures', () => {
  // None of these gets as far as measuring.
  const cases: readonly (readonly [args: readonly string[], code: number, said: RegExp])[] = [
    [['core', '--help'], 0, /^npm run bench -- core /],
    [['dns', '-h'], 0, /^npm run bench -- dns /],
    [
      ['core', '--members', '0'],
      2,
      /^bench core: --members 0: must be a whole number from 1 to 1000000\nnpm run bench/,
    ],
    [['resilience', '-o', 'yaml'], 2, /^bench resilience: -o yaml: must be table or json\n/],
    [['grpc-js', '--only', 'none'], 2, /^bench grpc-js: --only none: must be one of /],
    [['service-rules', '--mode', 'ipvs'], 2, /^bench service-rules: --mode ipvs: must be /],
    [['dns', '--what'], 2, /^bench dns: Unknown option '--what'/],
  ];
  for (const [args, code, said] of cases) {
    test(args.join(' '), () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
      assert.equal(status, code, stderr);
      assert.match(code === 0 ? stdout : stderr, said);
      assert.equal(code === 0 ? stderr : stdout, '');
    });
  }
});

test('a report is kept as JSON under the name of its suite and date', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-bench-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const inside = join(folder, 'made');
  const file = keepReport('core', { rows: [1] }, '2026-01-02T03:04:05.678Z', inside);
  assert.deepEqual(readdirSync(inside), ['core-2026-01-02T03-04-05-678Z.json']);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { rows: [1] });
});
