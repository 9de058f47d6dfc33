import { posix } from 'node:path';
import type { SourceFile } from './arrows.ts';

/** What stands for any file of a kind. */
const PLACEHOLDERS = new Set(['x.ts', 'x.test.ts', 'x.test-bed.ts']);

const LINK = /\]\(([^()\s]*)\)/g;
const CODE = /`([^`\n]+)`/g;
const FILE_NAME = /^[\w.-]+(?:\/[\w.-]+)*\.(?:ts|js|mjs|json|jsonc|md|svg|yaml|proto)$/;
/** Paths from the root: in commands, in prose, and in what the program says. */
const ROOT_PATH = /(?<![\w./-])(?:deploy|docs|examples|packages|tools)\/[\w./-]*\w/g;
const FENCED = /^```.*?^```$/gms;

/**
 * Links and names of files in pages that lead nowhere. A page may leave out `packages/` and `src/`, and the folders that are plain
 * from its own words: `proxy/calls/replay.ts`, `replay.ts`.
 */
export function lostPlaces(pages: readonly SourceFile[], paths: readonly string[]): string[] {
  const known = new Set(paths.flatMap(withFolders));
  const short = paths.map((path) => path.replace(/^packages\/([^/]+)\/src\//, '$1/'));
  const endings = new Set([...paths, ...short].flatMap(endingsOf));
  const headings = new Map(pages.map(({ path, text }) => [path, new Set(anchorsOf(text))]));
  return pages.flatMap(({ path, text }) => {
    const prose = text.replaceAll(FENCED, '');
    const links = [...prose.matchAll(LINK)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !leads(path, target, known, headings));
    const names = [...prose.matchAll(CODE)]
      .map(([, name = '']) => name)
      .filter((name) => FILE_NAME.test(name) && !PLACEHOLDERS.has(name) && !known.has(name) && !endings.has(name));
    return [...new Set([...links, ...names, ...lostRootPaths(text, known)])].map(
      (place) => `${path}: ${place} is not there`,
    );
  });
}

/** Pages that a source sends its reader to, and that are not there. */
export function lostPages(sources: readonly SourceFile[], paths: readonly string[]): string[] {
  const known = new Set(paths.flatMap(withFolders));
  return sources.flatMap(({ path, text }) =>
    lostRootPaths(text, known)
      .filter((place) => place.startsWith('docs/') && place.endsWith('.md'))
      .map((place) => `${path}: ${place} is not there`),
  );
}

function lostRootPaths(text: string, known: ReadonlySet<string>): string[] {
  return [...text.matchAll(ROOT_PATH)].map(([place]) => place).filter((place) => !known.has(place));
}

function leads(
  from: string,
  target: string,
  known: ReadonlySet<string>,
  headings: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const [relative = '', anchor] = target.split('#');
  const path = relative === '' ? from : posix.join(posix.dirname(from), relative).replace(/\/$/, '');
  return known.has(path) && (anchor === undefined || headings.get(path)?.has(anchor) !== false);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withFolders(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? [path] : [path, ...withFolders(folder)];
}

function endingsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(index).join('/'));
}
