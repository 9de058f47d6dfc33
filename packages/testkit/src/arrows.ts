import { posix } from 'node:path';
import { ARROWS, TESTKIT, type Room } from './arrow-table.ts';
import { importCycles } from './import-cycles.ts';
import { importsOf, type ImportSite } from './source-imports.ts';

export interface SourceFile {
  /** From the root of the workspace, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** What a package.json says that matters to imports. */
export interface PackageManifest {
  /** Folder of the package from the root of the workspace: `packages/core`. */
  readonly folder: string;
  readonly name: string;
  /** Sub-path (`.`, `./model`) to source file from the package's folder (`./src/model/index.ts`). */
  readonly sources: ReadonlyMap<string, string>;
  /** Names that the package may import when installed. */
  readonly dependencies: ReadonlySet<string>;
  /** Names that its tests may import too. */
  readonly devDependencies: ReadonlySet<string>;
}

/** A scan of fewer files than this has lost its sources, and would pass by checking nothing. */
const LEAST_FILES = 20;

/**
 * Checks every import of `files` against the arrow table; returns one sentence for each that is against it,
 * and for each cycle between files (of what is there at run time). Throws when there is too little to check.
 */
export function checkArrows(
  files: readonly SourceFile[],
  packages: readonly PackageManifest[],
  leastFiles: number = LEAST_FILES,
): string[] {
  if (files.length < leastFiles) {
    throw new Error(
      `only ${files.length} source files found, expected at least ${leastFiles}: the scan has lost its way`,
    );
  }
  const paths = new Set(files.map(({ path }) => path));
  const findings: string[] = [];
  const edges = new Map<string, string[]>();
  for (const { path, text } of files) {
    const room = roomOf(path);
    if (room === undefined) {
      findings.push(`${path}: in no room of the arrow table; add its room to arrow-table.ts`);
      continue;
    }
    const targets: string[] = [];
    for (const site of importsOf(path, text)) {
      const resolved = resolveImport(path, site.specifier, packages, paths);
      const finding = judge(path, room, site, resolved, packages);
      if (finding !== undefined) findings.push(`${path}:${site.line}: ${finding}`);
      // A type import is gone at run time: two halves of one thing may name each other's types. Between rooms the arrows hold for
      // types as well, so a cycle of types stays inside a room.
      if (resolved.kind === 'file' && site.kind !== 'type') targets.push(resolved.path);
    }
    edges.set(path, targets);
  }
  for (const cycle of importCycles(edges)) findings.push(`cycle: ${cycle.join(' -> ')}`);
  return findings;
}

type Resolved =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'node' }
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'unknown'; readonly why: string };

function resolveImport(
  from: string,
  specifier: string,
  packages: readonly PackageManifest[],
  paths: ReadonlySet<string>,
): Resolved {
  if (specifier.startsWith('node:')) return { kind: 'node' };
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(from), specifier);
    return paths.has(path) ? { kind: 'file', path } : { kind: 'unknown', why: `${specifier} is no source file` };
  }
  const name = packageName(specifier);
  const own = packages.find((candidate) => candidate.name === name);
  if (own === undefined) return { kind: 'package', name };
  const source = own.sources.get(`.${specifier.slice(name.length)}`);
  return source === undefined
    ? { kind: 'unknown', why: `${specifier} is not exported by ${name}` }
    : { kind: 'file', path: posix.join(own.folder, source) };
}

function judge(
  from: string,
  room: Room,
  site: ImportSite,
  target: Resolved,
  packages: readonly PackageManifest[],
): string | undefined {
  const isTest = from.endsWith('.test.ts') || from.endsWith('.test-bed.ts');
  const undeclared = isTest ? undefined : undeclaredDependency(from, site.specifier, packages);
  switch (target.kind) {
    case 'unknown':
      return target.why;
    case 'node':
      return room.pure === true && !isTest ? `${room.folder} is pure, it may not import ${site.specifier}` : undefined;
    case 'package':
      if (isTest) return undefined;
      return room.pure === true ? `${room.folder} is pure, it may not depend on ${target.name}` : undeclared;
    case 'file': {
      const other = roomOf(target.path);
      if (other === undefined) return `${target.path} is in no room of the arrow table`;
      if (other.folder === room.folder) return undefined;
      if (other.folder === TESTKIT) return isTest ? undefined : `only tests may import ${TESTKIT}`;
      if (!room.mayImport.includes(other.folder)) return `${room.folder} may not import ${other.folder}`;
      return undeclared;
    }
    default:
      return target satisfies never;
  }
}

/** An import of what package.json does not name works in the workspace and breaks where the package is installed. */
function undeclaredDependency(
  from: string,
  specifier: string,
  packages: readonly PackageManifest[],
): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const owner = packages.find(({ folder }) => from.startsWith(`${folder}/`));
  const name = packageName(specifier);
  if (owner === undefined || owner.name === name || owner.dependencies.has(name)) return undefined;
  if (!owner.folder.startsWith('packages/') && owner.devDependencies.has(name)) return undefined;
  return `${name} is not among the dependencies of ${owner.folder}/package.json`;
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function roomOf(path: string): Room | undefined {
  let best: Room | undefined;
  for (const room of ARROWS) {
    if (path.startsWith(`${room.folder}/`) && room.folder.length > (best?.folder.length ?? 0)) best = room;
  }
  // A new folder inside the program is a new room: it does not inherit the arrows of what lies beside the rooms.
  const inProgram = best?.folder === 'packages/steelyard/src' && path.slice(best.folder.length + 1).includes('/');
  return inProgram ? undefined : best;
}
