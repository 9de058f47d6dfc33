import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** What `tsc` writes for one source file. */
const EMITTED = /\.(?:js|js\.map|d\.ts|d\.ts\.map)$/;

/** Folders of `root` that compile `src/` to `dist/`: each package, and the private rooms beside them. */
export function compiledFolders(root: string): string[] {
  const packages = join(root, 'packages');
  const names = existsSync(packages) ? readdirSync(packages).toSorted() : [];
  return [...names.map((name) => join(packages, name)), join(root, 'tools'), join(root, 'bench')].filter((folder) =>
    existsSync(join(folder, 'src')),
  );
}

/**
 * Deletes what `tsc` once wrote under `dist/` for sources that are gone: a compiled test whose source was removed
 * must not keep the suite green. Returns the deleted paths.
 */
export function removeStaleOutput(folder: string): string[] {
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) return [];
  const stale = filesUnder(dist).filter((file) => {
    if (!EMITTED.test(file)) return false;
    return !existsSync(join(folder, 'src', relative(dist, file).replace(EMITTED, '.ts')));
  });
  for (const file of stale) rmSync(file);
  // `tsc -b` believes its build record, not the folder: without this a source that comes back would stay uncompiled.
  if (stale.length > 0) {
    for (const name of readdirSync(dist)) if (name.endsWith('.tsbuildinfo')) rmSync(join(dist, name));
  }
  return stale;
}

/** The compiled tests of `folder`, in a stable order. */
export function compiledTests(folder: string): string[] {
  const dist = join(folder, 'dist');
  return existsSync(dist) ? filesUnder(dist).filter((file) => file.endsWith('.test.js')) : [];
}

/**
 * Test sources that were never compiled: without this a forgotten build would pass with the tests it happens to have.
 */
export function uncompiledTests(folder: string): string[] {
  const src = join(folder, 'src');
  return filesUnder(src)
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => !existsSync(join(folder, 'dist', relative(src, file).replace(/\.ts$/, '.js'))));
}

/**
 * Whether `file` is meant by a filter of the command line: a path from `root`, of a folder or a file, in `src` or `dist`,
 * with or without ending (`packages/core`, `packages/core/src/model`, `packages/core/src/model/service.test.ts`).
 */
export function matchesFilter(root: string, file: string, filter: string): boolean {
  const wanted = normalise(filter);
  const path = normalise(relative(root, file));
  return path === wanted || path.startsWith(`${wanted}/`) || `${path}.test` === wanted;
}

function normalise(path: string): string {
  return path
    .split(sep)
    .join('/')
    .replace(/^\.\//, '')
    .replace(/\/$/, '')
    .replace(/^((?:packages\/[^/]+|tools|bench)\/)dist(?=\/|$)/, '$1src')
    .replace(/\.(?:test\.)?[jt]s$/, '');
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
