import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';

const passing = "import { it } from 'node:test'; it('holds', () => {});\n";
const failing = "import { it } from 'node:test'; it('breaks', () => { throw new Error('as meant'); });\n";

/** A workspace of the given files, with this runner in its `tools/dist`. */
function workspace(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'steelyard-run-tests-'));
  for (const [path, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  mkdirSync(join(root, 'tools', 'dist'), { recursive: true });
  for (const name of ['run-tests.js', 'compiled-tests.js']) {
    cpSync(join(import.meta.dirname, name), join(root, 'tools', 'dist', name));
  }
  roots.push(root);
  return root;
}

const roots: string[] = [];
after(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function run(root: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'tools', 'dist', 'run-tests.js'), ...args],
    {
      encoding: 'utf8',
    },
  );
  return { status, output: stdout + stderr };
}

describe('run-tests', () => {
  const both = {
    'packages/a/src/x.test.ts': '',
    'packages/a/dist/x.test.js': passing,
    'packages/b/src/deep/y.test.ts': '',
    'packages/b/dist/deep/y.test.js': failing,
  };
  const cases: {
    name: string;
    files: Readonly<Record<string, string>>;
    args?: string[];
    status: number;
    says: RegExp;
  }[] = [
    { name: 'fails when there is no test', files: { 'packages/a/src/x.ts': '' }, status: 2, says: /no compiled test/ },
    { name: 'fails when a test fails', files: both, status: 1, says: /ℹ pass 1[^]*ℹ fail 1/ },
    { name: 'takes a folder', files: both, args: ['packages/a'], status: 0, says: /ℹ pass 1[^]*ℹ fail 0/ },
    { name: 'takes a source file', files: both, args: ['packages/b/src/deep/y.test.ts'], status: 1, says: /ℹ pass 0/ },
    {
      name: 'fails on a filter that means nothing',
      files: both,
      args: ['packages/c'],
      status: 2,
      says: /no test under packages\/c/,
    },
    {
      name: 'does not run a compiled test whose source is gone',
      files: { ...both, 'packages/b/dist/gone.test.js': failing, 'packages/b/dist/deep/y.test.js': passing },
      status: 0,
      says: /ℹ pass 2[^]*removed stale packages\/b\/dist\/gone\.test\.js/,
    },
    {
      name: 'fails when a test source was not compiled',
      files: { ...both, 'packages/a/src/new.test.ts': '' },
      status: 2,
      says: /packages\/a\/src\/new\.test\.ts not compiled/,
    },
  ];
  for (const { name, files, args, status, says } of cases) {
    it(name, () => {
      const result = run(workspace(files), ...(args ?? []));
      assert.match(result.output, says);
      assert.equal(result.status, status, result.output);
    });
  }
});
