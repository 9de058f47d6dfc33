import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ratios, renderTable, summarise, type Sample } from './bench-report.ts';
import { parseOptions } from './options.ts';

const sample = (round: number, subject: Sample['subject'], cpuMicrosPerCall: number, shape = '1x100'): Sample => ({
  round,
  subject,
  shape,
  cpuMicrosPerCall,
  callsPerSecond: 1000,
  p50Ms: 1,
  p99Ms: 2,
});

describe('the benchmark report', () => {
  const samples = [
    sample(1, 'steelyard', 2),
    sample(1, 'nghttpx', 4),
    // The machine slows down: both take thrice as long, the ratio stays.
    sample(2, 'steelyard', 6),
    sample(2, 'nghttpx', 12),
    sample(3, 'steelyard', 3),
    sample(3, 'nghttpx', 5),
    sample(1, 'nginx', 9, '1x1'),
  ];

  it('takes medians over the rounds', () => {
    assert.deepEqual(
      summarise(samples).map(({ shape, subject, cpuMicrosPerCall }) => [shape, subject, cpuMicrosPerCall]),
      [
        ['1x100', 'steelyard', 3],
        ['1x100', 'nghttpx', 5],
        ['1x1', 'nginx', 9],
      ],
    );
  });

  it('takes ratios within a round', () => {
    assert.deepEqual(ratios(samples), [{ shape: '1x100', peer: 'nghttpx', cpuRatio: 0.5 }]);
  });

  it('prints a row for each', () => {
    const table = renderTable({
      versions: {},
      machine: '',
      missing: [],
      rounds: 3,
      seconds: 1,
      rows: summarise(samples),
      ratios: ratios(samples),
    });
    assert.match(table, /^1x100 {2}nghttpx +5\.00 +1000 +1\.000 +2\.000 +0\.50$/m);
    assert.match(table, /^1x100 {2}steelyard +3\.00 +1000 +1\.000 +2\.000$/m);
  });
});

describe('the options of the benchmark', () => {
  const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--shape', '10'], /--shape 10: must be like 10x10/],
    [['--shape', '0x5'], /--shape 0x5/],
    [['--subject', 'apache'], /--subject apache: must be one of steelyard/],
    [['--seconds', 'x'], /--seconds x: must be a number/],
    [['--rounds', '0'], /--rounds 0: must be a number from 1/],
    [['-o', 'yaml'], /-o yaml: must be table or json/],
    [['--nope'], /--nope/],
  ];
  for (const [args, says] of wrong) {
    it(`refuse ${args.join(' ')}`, () => {
      assert.throws(() => parseOptions(args), says);
    });
  }

  it('take what is asked for', () => {
    const options = parseOptions(['--shape', '2x3', '--subject', 'nginx', '--rounds', '7', '-o', 'json']);
    assert.deepEqual(options, {
      shapes: [{ connections: 2, streams: 3 }],
      subjects: ['nginx'],
      seconds: 1.5,
      rounds: 7,
      output: 'json',
    });
  });
});
