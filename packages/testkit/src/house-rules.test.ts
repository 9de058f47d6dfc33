import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  foreignPlaces,
  importedTests,
  missingLicences,
  missingLockEntries,
  overlongSources,
  testsWithoutTests,
  versionMismatches,
} from './house-rules.ts';
import { packageJsons, parsePackageJson, readWorkspaceFile, workspaceFiles } from './workspace.ts';

/** Sources that may be long, and why. */
const LONG_SOURCES: ReadonlyMap<string, string> = new Map();

const files = workspaceFiles().map((path) => ({ path, text: readWorkspaceFile(path) }));

describe('this workspace', () => {
  it('has its files where the rules look for them', () => {
    for (const path of ['package.json', 'packages/core/package.json', 'packages/testkit/src/house-rules.ts']) {
      assert.ok(
        files.some((file) => file.path === path),
        path,
      );
    }
  });

  it('has no overlong source', () => {
    assert.deepEqual(
      overlongSources(
        files.filter(({ path }) => path.endsWith('.ts')),
        LONG_SOURCES,
      ),
      [],
    );
  });

  it('has tests in the files that are named so', () => {
    assert.deepEqual(testsWithoutTests(files), []);
    assert.deepEqual(importedTests(files), []);
  });

  it('names no package registry and no path of one machine', () => {
    assert.deepEqual(foreignPlaces(files), []);
  });

  it('has one version and one range of Node versions', () => {
    assert.deepEqual(versionMismatches(packageJsons(files.map(({ path }) => path))), []);
  });
});

describe('the licence', () => {
  it('goes with every package that is published', () => {
    const published = packageJsons(files.map(({ path }) => path)).filter(({ isPrivate }) => !isPrivate);
    assert.ok(published.some(({ path }) => path === 'packages/grpc-js/package.json'));
    assert.deepEqual(missingLicences(published, files), []);
  });

  it('is missed where it is not, or is another', () => {
    const packages = ['a', 'b', 'c', 'd'].map((name) =>
      parsePackageJson(`${name}/package.json`, JSON.stringify({ name, private: name === 'd' })),
    );
    const texts = { LICENSE: 'ours', 'a/LICENSE': 'ours', 'b/LICENSE': 'another' };
    assert.deepEqual(
      missingLicences(
        packages,
        Object.entries(texts).map(([path, text]) => ({ path, text })),
      ),
      ['b', 'c'].map((name) => `${name}/LICENSE: must be there, with the text of the workspace's LICENSE`),
    );
  });
});

describe('the lock file', () => {
  it('holds every optional dependency it names', () => {
    assert.deepEqual(missingLockEntries(readWorkspaceFile('package-lock.json')), []);
  });

  it('is found incomplete when one is missing', () => {
    const packages = {
      'node_modules/a': { optionalDependencies: { 'a-linux': '1', 'a-darwin': '1' } },
      'node_modules/a-linux': {},
    };
    assert.deepEqual(missingLockEntries(JSON.stringify({ packages })), [
      'package-lock.json: node_modules/a needs a-darwin, which has no entry',
    ]);
  });
});

describe('the house rules', () => {
  it('report an overlong source, and a listed one that is not', () => {
    const long = { path: 'a.ts', text: 'x\n'.repeat(401) };
    const short = { path: 'b.ts', text: 'x\n'.repeat(400) };
    assert.deepEqual(overlongSources([long, short], new Map()), [
      'a.ts: 401 lines; split it, or list it with a reason',
    ]);
    assert.deepEqual(overlongSources([long, short], new Map([['a.ts', 'a table']])), []);
    assert.match(overlongSources([short], new Map([['b.ts', 'a table']]))[0] ?? '', /listed as long/);
  });

  it('report a test without a test', () => {
    const test = { path: 'a.test.ts', text: "import { test, type TestContext } from 'node:test';\n" };
    const long = { path: 'b.test.ts', text: "import {\n  test,\n} from 'node:test';\n" };
    const bed = { path: 'c.test-bed.ts', text: '' };
    assert.deepEqual(testsWithoutTests([test, long, bed]), []);
    const context = { path: 'room/d.test.ts', text: "import type { TestContext } from 'node:test';\n" };
    assert.deepEqual(testsWithoutTests([context]), ['room/d.test.ts: has no test; name it room/d.test-bed.ts']);
  });

  it('report a test that another source imports', () => {
    const good = { path: 'a.test.ts', text: "import { bed } from './a.test-bed.ts';\nimport { a } from './a.ts';\n" };
    const bad = { path: 'b.test.ts', text: "import {\n  pod,\n} from '../a.test.ts';\n" };
    assert.deepEqual(importedTests([good, bad]), [
      'b.test.ts: imports a test; what both need belongs in a .test-bed.ts',
    ]);
  });

  const registry = ['https://registry', 'npmjs', 'org'].join('.');
  const proxy = ['https://proxy', 'golang', 'org'].join('.');
  const home = ['', 'home', 'someone', 'src'].join('/');
  const places: readonly (readonly [line: string, says: RegExp | undefined])[] = [
    [`"resolved": "${registry}/x"`, /f:1: names a package registry's host/],
    [`GOPROXY=${proxy}`, /package registry/],
    [`see ${home}/x.ts`, /path of one machine/],
    [['', 'work', 'x'].join('/'), /path of one machine/],
    ['https://example.com/home/someone/', undefined],
    ['./work/x', undefined],
    ['/var/run/secrets/', undefined],
  ];
  for (const [line, says] of places) {
    it(`${says === undefined ? 'accept' : 'report'} ${line}`, () => {
      const findings = foreignPlaces([{ path: 'f', text: line }]);
      if (says === undefined) assert.deepEqual(findings, []);
      else assert.match(findings.join('\n'), says);
    });
  }

  it('report versions and engines out of step', () => {
    const packageJson = (path: string, fields: object) =>
      parsePackageJson(path, JSON.stringify({ name: path, version: '1.0.0', engines: { node: '>=20' }, ...fields }));
    const findings = versionMismatches([
      packageJson('package.json', {}),
      packageJson('a', {}),
      packageJson('b', { version: '1.0.1', dependencies: { a: '^1.0.0' } }),
      packageJson('c', { engines: {} }),
    ]);
    assert.deepEqual(findings, [
      'b: version 1.0.1, the others have 1.0.0',
      'b: needs a ^1.0.0, it is 1.0.0',
      'c: engines.node undefined, the workspace has >=20',
    ]);
  });
});
