import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SourceDocument } from '@steelyard/core/config';
import { ManifestsError } from './manifests-error.ts';
import { parseManifest } from './parse-manifest.ts';

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/** Standard input, as `kubectl -f -` has it. */
export const STDIN_PATH = '-';

/** Reads the manifests under paths again and again, and parses only the files whose text changed. */
export interface ManifestReader {
  /** Every document under the paths now. Never rejects: what cannot be read is a document with a problem. */
  read(): Promise<readonly SourceDocument[]>;
  /** Differs from an earlier one when a file was added, removed or written since. */
  fingerprint(): Promise<string>;
}

/** A path whose reading failed. */
interface Failure {
  readonly path: string;
  readonly error: unknown;
}

interface ParsedFile {
  readonly text: string;
  readonly documents: readonly SourceDocument[];
}

/**
 * A folder stands for its files `*.yaml`, `*.yml` and `*.json` that are not hidden, in the order of their names; not for
 * its folders, as with `kubectl -f`. Standard input is read once, by the caller.
 */
export function createManifestReader(paths: readonly string[], stdin: string | undefined): ManifestReader {
  let parsed: ReadonlyMap<string, ParsedFile> = new Map();
  return {
    async read() {
      const next = new Map<string, ParsedFile>();
      const failed: SourceDocument[] = [];
      for (const file of await listFiles(paths)) {
        if (typeof file !== 'string') {
          failed.push(unreadable(file));
          for (const [name, before] of parsed) if (isBelow(name, file.path)) next.set(name, before);
        } else if (!next.has(file)) {
          const text = await readText(file, stdin);
          const before = parsed.get(file);
          if (typeof text !== 'string') failed.push(unreadable(text));
          else next.set(file, before?.text === text ? before : parseFile(file, text, before));
        }
      }
      parsed = next;
      return [...[...next.values()].flatMap((file) => file.documents), ...failed];
    },
    async fingerprint() {
      const files = await listFiles(paths);
      return (await Promise.all(files.map((file) => fingerprintOf(file)))).join('\n');
    },
  };
}

/**
 * Who writes a file in place empties it first, and may take a while: a file that has lost all of its text says nothing new. To
 * remove what it holds, one removes the file.
 */
function parseFile(file: string, text: string, before: ParsedFile | undefined): ParsedFile {
  const isEmptied = text.trim() === '' && before !== undefined && before.documents.length > 0;
  return { text, documents: isEmptied ? [emptied(file)] : parseManifest(nameOf(file), text) };
}

async function readText(file: string, stdin: string | undefined): Promise<string | Failure> {
  if (file === STDIN_PATH) return stdin ?? '';
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    return { path: file, error };
  }
}

async function fingerprintOf(file: string | Failure): Promise<string> {
  if (typeof file !== 'string') return `${file.path} ${codeOf(file.error) ?? ''}`;
  if (file === STDIN_PATH) return file;
  const found = await stat(file).catch(() => undefined);
  return `${file} ${found?.ino ?? ''} ${found?.size ?? ''} ${found?.mtimeMs ?? ''}`;
}

/** Whether a file was listed through this folder: while the folder cannot be read, its files are as they were. */
function isBelow(file: string, folder: string): boolean {
  return dirname(file) === join(folder, '.');
}

/** @throws {ManifestsError} when a path is absent or unreadable. */
export async function checkPaths(paths: readonly string[]): Promise<void> {
  for (const listed of await listFiles(paths)) {
    const file = typeof listed === 'string' ? await readText(listed, '') : listed;
    if (typeof file === 'string') continue;
    const absent = codeOf(file.error) === 'ENOENT';
    const code = absent ? 'MANIFESTS_NOT_FOUND' : 'MANIFESTS_UNREADABLE';
    throw new ManifestsError(code, `${file.path}: ${describe(file.error)}`, { cause: file.error });
  }
}

async function listFiles(paths: readonly string[]): Promise<readonly (string | Failure)[]> {
  const files: (string | Failure)[] = [];
  for (const path of paths) {
    if (path === STDIN_PATH) files.push(path);
    else {
      try {
        if ((await stat(path)).isDirectory()) files.push(...(await listFolder(path)));
        else files.push(path);
      } catch (error) {
        files.push({ path, error });
      }
    }
  }
  return files;
}

async function listFolder(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    if (name.startsWith('.') || !EXTENSIONS.some((extension) => name.endsWith(extension))) continue;
    const path = join(folder, name);
    // Follows links: the files of a mounted ConfigMap are links into `..data`. A dangling one is reported when read.
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() !== true) files.push(path);
  }
  return files;
}

function nameOf(file: string): string {
  return file === STDIN_PATH ? 'stdin' : file;
}

function unreadable({ path, error }: Failure): SourceDocument {
  return unusable(path, `${describe(error)}; what it said last stays in force.`);
}

function emptied(file: string): SourceDocument {
  return unusable(file, 'the file is empty; what it said last stays in force until the file is written or removed.');
}

function unusable(file: string, message: string): SourceDocument {
  return { file, value: undefined, locate: () => undefined, problems: [{ code: 'source-unreadable', message }] };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'too many symbolic links',
  EISDIR: 'is a folder',
};

function describe(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined && Object.hasOwn(REASONS, code)) return REASONS[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
