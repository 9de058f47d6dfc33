import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { PackageManifest } from './arrows.ts';

/** The root of the checkout this file was compiled in. */
export const WORKSPACE_ROOT: string = resolve(import.meta.dirname, '..', '..', '..');

/**
 * Paths of the checkout's own files, from the root, with `/`: what git tracks and what it would track. Throws outside of a git
 * checkout, where the rules would have nothing to look at.
 */
export function workspaceFiles(): string[] {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: WORKSPACE_ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (listed.status !== 0) throw new Error(`git ls-files in ${WORKSPACE_ROOT}: ${listed.stderr}`);
  return [...new Set(listed.stdout.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(WORKSPACE_ROOT, path)))
    .toSorted();
}

export function readWorkspaceFile(path: string): string {
  return readFileSync(join(WORKSPACE_ROOT, path), 'utf8');
}

/** A package.json as far as the rules read it. */
export interface PackageJson {
  readonly path: string;
  readonly name: string;
  readonly version: string | undefined;
  /** It is not published. */
  readonly isPrivate: boolean;
  readonly enginesNode: string | undefined;
  readonly exports: Readonly<Record<string, unknown>>;
  /** All kinds of dependencies by name, with the kind. */
  readonly dependencies: readonly { readonly name: string; readonly range: string; readonly kind: string }[];
}

export function packageJsons(files: readonly string[]): PackageJson[] {
  return files
    .filter((path) => path === 'package.json' || path.endsWith('/package.json'))
    .map((path) => parsePackageJson(path, readWorkspaceFile(path)));
}

export function parsePackageJson(path: string, text: string): PackageJson {
  const json = recordOf(JSON.parse(text));
  const dependencies = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.entries(recordOf(json[kind])).map(([name, range]) => ({ name, range: String(range), kind })),
  );
  return {
    path,
    name: String(json['name']),
    version: stringOf(json['version']),
    isPrivate: json['private'] === true,
    enginesNode: stringOf(recordOf(json['engines'])['node']),
    exports: recordOf(json['exports']),
    dependencies,
  };
}

export function packageManifest(json: PackageJson): PackageManifest {
  const named = (kinds: readonly string[]): Set<string> =>
    new Set(json.dependencies.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name));
  return {
    folder: dirname(json.path),
    name: json.name,
    sources: new Map(
      Object.entries(json.exports).flatMap(([subpath, target]): [string, string][] => {
        const source = stringOf(recordOf(target)['source']);
        return source === undefined ? [] : [[subpath, source]];
      }),
    ),
    dependencies: named(['dependencies', 'peerDependencies', 'optionalDependencies']),
    devDependencies: named(['devDependencies']),
  };
}

/** The fields of an object of unknown shape; none when it is no object. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
