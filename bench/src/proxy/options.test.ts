import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions, USAGE, type BenchOptions } from './options.ts';
import { SHAPES } from './run/shape.ts';

function parsed(...args: string[]): BenchOptions {
  const options = parseOptions(args);
  if (options === 'help') throw new Error('no help was asked for');
  return options;
}

describe('the options of the proxy benchmark', () => {
  const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--shapes', '10'], /--shapes 10: must be CxS as 10x10, tls-CxS, or of 1x100, /],
    [['--shapes', '1x1,0x5'], /--shapes 0x5/],
    [['--shapes', ','], /--shapes: is empty/],
    [['--parts', 'gpu'], /--parts gpu: must be of cpu, latency, memory/],
    [['--peers', 'apache'], /--peers apache: must be none, or of nghttpx/],
    [['--peers', 'steelyard'], /--peers steelyard: must be none/],
    [['--upstreams', '0'], /--upstreams 0: must be a number from 1 to 64/],
    [['--seconds', 'x'], /--seconds x: must be a number/],
    [['--rules', '10001'], /--rules 10001: must be a number from 0 to 10000/],
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
    const options = parsed(
      '--shapes',
      '2x3,tls-4x5,stream',
      '--peers',
      'nginx,envoy',
      '--upstreams',
      '1,3',
      '--rounds',
      '7',
    );
    assert.deepEqual(
      options.shapes.map(({ name, tls, spread }) => [name, tls, spread]),
      [
        ['2x3', false, true],
        ['tls-4x5', true, false],
        ['stream', false, false],
      ],
    );
    assert.deepEqual(options.peers, ['nginx', 'envoy']);
    assert.equal(options.peersNamed, true);
    assert.deepEqual(options.upstreams, [1, 3]);
    assert.equal(options.rounds, 7);
  });

  it('measure everything unless told otherwise', () => {
    const options = parsed();
    assert.deepEqual(options.parts, ['cpu', 'latency', 'memory']);
    assert.equal(options.shapes, SHAPES);
    assert.deepEqual(options.peers, ['nghttpx', 'haproxy', 'nginx', 'envoy']);
    assert.equal(options.peersNamed, false);
    assert.deepEqual(parsed('--peers', 'none').peers, []);
  });

  it('name each shape in the help', () => {
    assert.equal(parseOptions(['-h']), 'help');
    for (const { name } of SHAPES) assert.match(USAGE, new RegExp(`^ +${name} `, 'm'));
  });
});
