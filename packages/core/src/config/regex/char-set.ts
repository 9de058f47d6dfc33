/** A set of UTF-16 code units: pairs of first and last, ascending, apart. */
export type CharSet = readonly number[];

const LAST = 0xff_ff;

export function normalizeSet(pairs: readonly (readonly [number, number])[]): CharSet {
  const merged: number[] = [];
  for (const [first, last] of pairs.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const end = merged.at(-1);
    if (end === undefined || first > end + 1) merged.push(first, last);
    else if (last > end) merged[merged.length - 1] = last;
  }
  return merged;
}

export function pairsOf(set: CharSet): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  for (let at = 0; at < set.length; at += 2) pairs.push([set[at] ?? 0, set[at + 1] ?? 0]);
  return pairs;
}

export function invertSet(set: CharSet): CharSet {
  const pairs: [number, number][] = [];
  let next = 0;
  for (const [first, last] of pairsOf(set)) {
    if (first > next) pairs.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) pairs.push([next, LAST]);
  return normalizeSet(pairs);
}

export function hasChar(set: CharSet, code: number): boolean {
  for (let at = 0; at < set.length; at += 2) {
    if (code < (set[at] ?? 0)) return false;
    if (code <= (set[at + 1] ?? -1)) return true;
  }
  return false;
}

/** Adds the other case of every letter. Sets wider than a script keep their members and gain those of ASCII. */
export function foldCase(set: CharSet): CharSet {
  const pairs: (readonly [number, number])[] = [...pairsOf(set)];
  for (const [first, last] of pairsOf(set)) {
    for (let code = first; code <= Math.min(last, first + 1024); code++) pairs.push(...otherCases(code));
    for (let code = 0x41; code <= 0x7a; code++) if (code >= first && code <= last) pairs.push(...otherCases(code));
  }
  return normalizeSet(pairs);
}

function otherCases(code: number): readonly (readonly [number, number])[] {
  const char = String.fromCharCode(code);
  return [char.toLowerCase(), char.toUpperCase()]
    .filter((other) => other.length === 1 && other !== char)
    .map((other) => [other.charCodeAt(0), other.charCodeAt(0)] as const);
}

export const DIGIT: CharSet = [0x30, 0x39];
export const SPACE: CharSet = [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20];
export const WORD: CharSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
export const ANY: CharSet = [0, LAST];
export const ANY_BUT_NEWLINE: CharSet = [0, 0x09, 0x0b, LAST];

/** The classes written `[:name:]` inside brackets. */
export const POSIX: ReadonlyMap<string, CharSet> = new Map<string, CharSet>([
  ['alnum', [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a]],
  ['alpha', [0x41, 0x5a, 0x61, 0x7a]],
  ['ascii', [0x00, 0x7f]],
  ['blank', [0x09, 0x09, 0x20, 0x20]],
  ['cntrl', [0x00, 0x1f, 0x7f, 0x7f]],
  ['digit', DIGIT],
  ['graph', [0x21, 0x7e]],
  ['lower', [0x61, 0x7a]],
  ['print', [0x20, 0x7e]],
  ['punct', [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e]],
  ['space', [0x09, 0x0d, 0x20, 0x20]],
  ['upper', [0x41, 0x5a]],
  ['word', WORD],
  ['xdigit', [0x30, 0x39, 0x41, 0x46, 0x61, 0x66]],
]);

const properties = new Map<string, CharSet | undefined>();

/** A Unicode category or script, as `L`, `Lu`, `Greek`; `undefined` when there is none of that name. */
export function unicodeSet(name: string): CharSet | undefined {
  if (!/^[A-Za-z_]{1,32}$/.test(name)) return undefined;
  if (properties.has(name)) return properties.get(name);
  const set = measureProperty(name);
  if (properties.size < 256) properties.set(name, set);
  return set;
}

function measureProperty(name: string): CharSet | undefined {
  for (const spelling of [`General_Category=${name}`, `Script=${name}`]) {
    try {
      const test = new RegExp(String.raw`^\p{${spelling}}$`, 'u');
      const pairs: [number, number][] = [];
      for (let code = 0; code <= LAST; code++) if (test.test(String.fromCharCode(code))) pairs.push([code, code]);
      return normalizeSet(pairs);
    } catch {
      // The other spelling may be known.
    }
  }
  return undefined;
}
