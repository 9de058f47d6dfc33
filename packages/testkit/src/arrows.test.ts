import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkArrows, type PackageManifest, type SourceFile } from './arrows.ts';
import { packageJsons, packageManifest, parsePackageJson, readWorkspaceFile, workspaceFiles } from './workspace.ts';

const isSource = (path: string): boolean => /^(?:packages\/[^/]+|tools|bench)\/src\/.*\.ts$/.test(path);

describe('the arrows of this workspace', () => {
  it('are kept by every import of every source', () => {
    const files = workspaceFiles();
    const sources = files.filter(isSource).map((path) => ({ path, text: readWorkspaceFile(path) }));
    assert.deepEqual(checkArrows(sources, packageJsons(files).map(packageManifest)), []);
  });

  it('fails on an empty scan', () => {
    assert.throws(() => checkArrows([], []), /only 0 source files found/);
  });
});

/** A small workspace that keeps every arrow; each case breaks one thing. */
const manifest = (
  folder: string,
  name: string,
  exports: readonly string[],
  dependencies: readonly string[],
): PackageManifest =>
  packageManifest(
    parsePackageJson(
      `${folder}/package.json`,
      JSON.stringify({
        name,
        exports: Object.fromEntries(
          exports.map((subpath) => [subpath, { source: `./src${subpath.slice(1)}/index.ts`.replace('//', '/') }]),
        ),
        dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, '1'])),
        devDependencies: { 'fast-check': '1' },
      }),
    ),
  );

const packages = [
  manifest('packages/core', '@steelyard/core', ['./model', './config', './balance'], []),
  manifest('packages/http2', '@steelyard/http2', ['.'], []),
  manifest('packages/xds', '@steelyard/xds', ['.'], ['@steelyard/core']),
  manifest('packages/grpc-js', '@steelyard/grpc-js', ['.'], ['@steelyard/core', '@grpc/grpc-js']),
  manifest('packages/testkit', '@steelyard/testkit', ['.'], ['@steelyard/core']),
  manifest(
    'packages/steelyard',
    'steelyard',
    [],
    ['@steelyard/core', '@steelyard/http2', '@steelyard/grpc-js', 'yaml'],
  ),
];

const base: Readonly<Record<string, string>> = {
  'packages/core/src/model/index.ts': 'export const a = 1;',
  'packages/core/src/config/index.ts': "import { a } from '../model/index.ts'; export const b = a;",
  'packages/core/src/balance/index.ts': "export type { a } from '../model/index.ts';",
  'packages/core/src/balance/x.test.ts':
    "import 'node:test'; import 'fast-check'; import '@steelyard/testkit'; import './index.ts';",
  'packages/http2/src/index.ts': 'export const h = 1;',
  'packages/xds/src/index.ts': "import '@steelyard/core/model';",
  'packages/grpc-js/src/index.ts': "import '@steelyard/core/balance'; import '@grpc/grpc-js';",
  'packages/testkit/src/index.ts': "import 'node:fs'; import '@steelyard/core/model';",
  'packages/steelyard/src/log.ts': 'export const log = 1;',
  'packages/steelyard/src/proxy/index.ts': "import '@steelyard/http2'; import '../log.ts'; import 'node:net';",
  'packages/steelyard/src/dns/index.ts': "import '@steelyard/core/model';",
  'packages/steelyard/src/netfilter/index.ts': '',
  'packages/steelyard/src/kube/index.ts': "import 'yaml';",
  'packages/steelyard/src/lab/index.ts': "import '../proxy/index.ts'; import '@steelyard/grpc-js';",
  'packages/steelyard/src/control/index.ts': "import '../kube/index.ts';",
  'packages/steelyard/src/cli/index.ts': "import '../lab/index.ts'; import('../dns/index.ts');",
};

function check(changes: Readonly<Record<string, string>>): string[] {
  const files = Object.entries({ ...base, ...changes }).map(([path, text]): SourceFile => ({ path, text }));
  return checkArrows(files, packages, 1);
}

describe('the check of the arrows', () => {
  it('is content with what is allowed', () => {
    assert.deepEqual(check({}), []);
  });

  const room = (name: string): string => `packages/steelyard/src/${name}`;
  const forbidden: readonly (readonly [from: string, text: string, says: RegExp])[] = [
    [
      'packages/core/src/model/x.ts',
      "import '../config/index.ts';",
      /core\/src\/model may not import packages\/core\/src\/config/,
    ],
    ['packages/core/src/config/x.ts', "import 'node:fs';", /:1: packages\/core\/src\/config is pure.*node:fs/],
    ['packages/core/src/config/x.ts', "\n\nimport 'yaml';", /:3: packages\/core\/src\/config is pure.*depend on yaml/],
    ['packages/core/src/config/x.ts', "import '@steelyard/http2';", /may not import packages\/http2/],
    ['packages/core/src/config/x.ts', "import '@steelyard/testkit';", /only tests may import packages\/testkit/],
    ['packages/core/src/config/x.test.ts', "import '@steelyard/http2';", /may not import packages\/http2/],
    ['packages/core/src/other/x.ts', '', /in no room/],
    ['packages/http2/src/x.ts', "export { Socket } from 'node:net';", /http2\/src is pure.*node:net/],
    ['packages/http2/src/x.ts', "import type { Buffer } from 'node:buffer';", /http2\/src is pure.*node:buffer/],
    ['packages/http2/src/x.ts', "type A = import('@steelyard/core/model').A;", /may not import packages\/core/],
    ['packages/xds/src/x.ts', "import '@steelyard/http2';", /xds\/src may not import packages\/http2/],
    ['packages/grpc-js/src/x.ts', "import '@steelyard/http2';", /grpc-js\/src may not import packages\/http2/],
    ['packages/grpc-js/src/x.ts', "import 'yaml';", /yaml is not among the dependencies/],
    ['packages/grpc-js/src/x.ts', "import 'fast-check';", /fast-check is not among the dependencies/],
    [room('log.ts'), "import './dns/index.ts';", /src may not import .*\/dns/],
    [room('proxy/x.ts'), "import '../kube/index.ts';", /proxy may not import .*\/kube/],
    [room('proxy/x.ts'), "await import('../dns/index.ts');", /proxy may not import .*\/dns/],
    [room('proxy/x.ts'), "require('../netfilter/index.ts');", /proxy may not import .*\/netfilter/],
    [room('proxy/x.ts'), "import '@steelyard/grpc-js';", /proxy may not import packages\/grpc-js/],
    [room('kube/x.ts'), "import type { X } from '../proxy/index.ts';", /kube may not import .*\/proxy/],
    [room('dns/x.ts'), "export * from '../kube/index.ts';", /dns may not import .*\/kube/],
    [room('netfilter/x.ts'), "import '../lab/index.ts';", /netfilter may not import .*\/lab/],
    [room('lab/x.ts'), "import '../cli/index.ts';", /lab may not import .*\/cli/],
    [room('control/x.ts'), "import '../cli/index.ts';", /control may not import .*\/cli/],
    [room('lab/x.ts'), "import '@steelyard/testkit';", /only tests may import/],
    [room('lab/x.ts'), "import '@steelyard/xds';", /@steelyard\/xds is not among the dependencies/],
    [room('lab/x.ts'), "import '@steelyard/core/secret';", /not exported by @steelyard\/core/],
    [room('lab/x.ts'), "import './gone.ts';", /\.\/gone\.ts is no source file/],
    [room('new-room/x.ts'), '', /in no room/],
    ['packages/new/src/x.ts', '', /in no room/],
    ['tools/src/x.ts', "import '@steelyard/core/model';", /tools\/src may not import/],
  ];
  for (const [from, text, says] of forbidden) {
    it(`reports ${JSON.stringify(text)} in ${from}`, () => {
      const findings = check({ [from]: text });
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0] ?? '', says);
      assert.ok(findings[0]?.startsWith(from));
    });
  }

  it('reports a cycle between files, but not one of types alone', () => {
    const x = 'packages/http2/src/x.ts';
    const y = 'packages/http2/src/y.ts';
    const importY = "import { y } from './y.ts';";
    assert.deepEqual(check({ [x]: importY, [y]: "export { x } from './x.ts';" }), [`cycle: ${x} -> ${y} -> ${x}`]);
    assert.deepEqual(check({ [x]: importY, [y]: "import type { X } from './x.ts';" }), []);
  });

  it('refuses what it cannot read', () => {
    assert.throws(() => check({ [room('lab/x.ts')]: 'import {' }), /lab\/x\.ts: does not parse/);
    assert.throws(() => check({ [room('lab/x.ts')]: '\nawait import(name);' }), /lab\/x\.ts:2: .* literal/);
  });

  it('is not misled by imports in comments and strings', () => {
    const text = "// import '../kube/index.ts'\nexport const a = \"import '../kube/index.ts'\";";
    assert.deepEqual(check({ [room('proxy/x.ts')]: text }), []);
  });
});
