import type { SourceFile } from './arrows.ts';
import { recordOf, type PackageJson } from './workspace.ts';

/** The most lines a source may have before it must be split, or listed with its reason. */
const MOST_LINES = 400;

/** Sources over `MOST_LINES`; `listed` says why each of those it names may be long, and must name no other. */
export function overlongSources(sources: readonly SourceFile[], listed: ReadonlyMap<string, string>): string[] {
  const long = sources.filter(({ text }) => lineCount(text) > MOST_LINES);
  const findings = long
    .filter(({ path }) => !listed.has(path))
    .map(({ path, text }) => `${path}: ${lineCount(text)} lines; split it, or list it with a reason`);
  for (const path of listed.keys()) {
    if (!long.some((source) => source.path === path))
      findings.push(`${path}: listed as long, but it is not; take it off the list`);
  }
  return findings;
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** A value of node:test, and not only a type. */
const TEST_IMPORT = /^import (?!type )(?:[^;]*? from )?'node:test';$/m;

/** Files that are named as tests, and are run as such, but have none: what tests share is a test bed. */
export function testsWithoutTests(sources: readonly SourceFile[]): string[] {
  return sources
    .filter(({ path, text }) => path.endsWith('.test.ts') && !TEST_IMPORT.test(text))
    .map(({ path }) => `${path}: has no test; name it ${path.replace(/\.test\.ts$/, '.test-bed.ts')}`);
}

const TEST_IMPORTED = /^(?:import|export) (?:[^;]*? from )?'\.[^']*\.test\.ts';$/m;

/** Tests that are imported, by whom: what they define runs once more there. What tests share stands in test beds. */
export function importedTests(sources: readonly SourceFile[]): string[] {
  return sources
    .filter(({ path, text }) => path.endsWith('.ts') && TEST_IMPORTED.test(text))
    .map(({ path }) => `${path}: imports a test; what both need belongs in a .test-bed.ts`);
}

/** Hosts that hand out packages: naming one ties every build to it, whatever the builder's own configuration says. */
const REGISTRY_HOST =
  /registry\.(?:npmjs|yarnpkg)\.|npmmirror\.com|(?:files\.pythonhosted|pypi)\.org|(?:proxy|sum)\.golang\.org/;

/** Absolute paths that exist only on one person's machine. */
const MACHINE_PATH = /(?<![\w.$}*)~-])\/(?:work|root|home\/[\w.-]+|Users\/[\w.-]+)\//;

/** Lines that name a package registry's host or a path of one machine. */
export function foreignPlaces(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const host = REGISTRY_HOST.exec(line)?.[0];
      const place = MACHINE_PATH.exec(line)?.[0];
      return [
        ...(host === undefined ? [] : [`${path}:${index + 1}: names a package registry's host (${host})`]),
        ...(place === undefined ? [] : [`${path}:${index + 1}: names a path of one machine (${place})`]),
      ];
    }),
  );
}

/**
 * The packages go out together under one version, on the same Node versions, and name each other by exactly that version:
 * no mixture that nobody has tested can be installed.
 */
export function versionMismatches(packages: readonly PackageJson[]): string[] {
  const workspace = packages.find(({ path }) => path === 'package.json');
  const members = packages.filter(({ path }) => path !== 'package.json');
  const version = members[0]?.version;
  const own = new Set(members.map(({ name }) => name));
  return members.flatMap((member) => {
    const findings: string[] = [];
    if (member.version !== version)
      findings.push(`${member.path}: version ${member.version}, the others have ${version}`);
    if (member.enginesNode === undefined || member.enginesNode !== workspace?.enginesNode) {
      findings.push(`${member.path}: engines.node ${member.enginesNode}, the workspace has ${workspace?.enginesNode}`);
    }
    for (const { name, range } of member.dependencies) {
      if (own.has(name) && range !== version) findings.push(`${member.path}: needs ${name} ${range}, it is ${version}`);
    }
    return findings;
  });
}

/**
 * What is published goes without the workspace around it, so each package has the licence's text as a file of its own: npm packs
 * it by its name, but only from the package's folder, and no symbolic links.
 */
export function missingLicences(packages: readonly PackageJson[], files: readonly SourceFile[]): string[] {
  const textOf = (path: string): string | undefined => files.find((file) => file.path === path)?.text;
  const licence = textOf('LICENSE');
  return packages
    .filter(({ isPrivate }) => !isPrivate)
    .map(({ path }) => path.replace(/package\.json$/, 'LICENSE'))
    .filter((path) => licence === undefined || textOf(path) !== licence)
    .map((path) => `${path}: must be there, with the text of the workspace's LICENSE`);
}

/**
 * Optional dependencies (the compiled parts of tools, one a platform) that a package-lock.json names but does not hold. npm drops
 * them where it was made if its registry does not have them, and then `npm ci` refuses the file everywhere.
 */
export function missingLockEntries(packageLock: string): string[] {
  const entries = Object.entries(recordOf(recordOf(JSON.parse(packageLock))['packages']));
  const held = new Set(entries.map(([path]) => path));
  return entries.flatMap(([path, entry]) =>
    Object.keys(recordOf(recordOf(entry)['optionalDependencies']))
      .filter((name) => !held.has(`node_modules/${name}`) && !held.has(`${path}/node_modules/${name}`))
      .map((name) => `package-lock.json: ${path} needs ${name}, which has no entry`),
  );
}
