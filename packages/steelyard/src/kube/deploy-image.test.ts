// The image has every package that the program imports, and nothing that must be built first.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fieldsOf } from './untrusted.ts';

const ROOT = new URL('../../../../', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** The packages of this workspace that one of them runs with, itself included. */
function ownPackages(name: string, found: Set<string> = new Set()): ReadonlySet<string> {
  if (found.has(name)) return found;
  found.add(name);
  const manifest: unknown = JSON.parse(read(`packages/${name}/package.json`));
  for (const dependency of Object.keys(fieldsOf(fieldsOf(manifest)?.['dependencies']) ?? {})) {
    if (dependency.startsWith('@steelyard/')) ownPackages(dependency.slice('@steelyard/'.length), found);
  }
  return found;
}

test('deploy/Dockerfile copies each package that steelyard runs with, for its modules and for its program', () => {
  const [modules = '', program = ''] = read('deploy/Dockerfile')
    .split(/^FROM .*$/m)
    .slice(1);
  for (const name of ownPackages('steelyard')) {
    assert.ok(modules.includes(`COPY packages/${name}/package.json packages/${name}/`), `${name}: its modules`);
    assert.ok(program.includes(`COPY packages/${name}/package.json packages/${name}/`), `${name}: its package.json`);
    assert.ok(program.includes(`COPY packages/${name}/dist packages/${name}/dist`), `${name}: its program`);
  }
  assert.match(program, /^USER 1000:1000$/m);
});
