import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSuite, renderSuites, type Suite } from './suites.ts';

const load = (): Promise<never> => Promise.reject(new Error('not to be loaded'));
const SUITES: readonly Suite[] = [
  { name: 'proxy', about: 'one', load },
  { name: 'dns', about: 'two', load },
];

describe('the choice of a suite', () => {
  const cases: readonly (readonly [args: readonly string[], name: string | undefined, rest: readonly string[]])[] = [
    [[], 'proxy', []],
    [['--rounds', '3'], 'proxy', ['--rounds', '3']],
    [['dns', '-h'], 'dns', ['-h']],
    [['proxy', 'dns'], 'proxy', ['dns']],
    [['nope'], undefined, []],
  ];
  for (const [args, name, rest] of cases) {
    it(`of [${args.join(' ')}] is ${name ?? 'none'}`, () => {
      const choice = parseSuite(SUITES, args);
      assert.equal(choice?.suite.name, name);
      if (name !== undefined) assert.deepEqual(choice?.args, rest);
    });
  }

  it('is shown with what each measures', () => {
    assert.equal(renderSuites(SUITES), '  proxy  one\n  dns    two\n');
  });
});
