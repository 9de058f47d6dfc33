import {
  type CharSet,
  DIGIT,
  foldCase,
  invertSet,
  normalizeSet,
  pairsOf,
  POSIX,
  SPACE,
  unicodeSet,
  WORD,
} from './char-set.ts';
import { RegexSyntaxError } from './syntax.ts';

interface ReadSet {
  readonly set: CharSet;
  /** Where reading goes on. */
  readonly at: number;
}

/** `\d`, `\W`, `\pL`, `\p{Greek}`, …; `undefined` when the escape at `at` is of one character. */
export function parseClassEscape(text: string, at: number): ReadSet | undefined {
  const letter = text[at + 1] ?? '';
  const perl = { d: DIGIT, s: SPACE, w: WORD }[letter.toLowerCase()];
  if (perl !== undefined) return { set: letter === letter.toLowerCase() ? perl : invertSet(perl), at: at + 2 };
  if (letter !== 'p' && letter !== 'P') return undefined;
  const found = /^\\[pP](?:\{(?<not>\^?)(?<long>[A-Za-z_]+)\}|(?<short>[A-Z]))/.exec(text.slice(at, at + 40));
  const name = found?.groups?.['long'] ?? found?.groups?.['short'];
  const set = name === undefined ? undefined : unicodeSet(name);
  if (found === null || set === undefined) {
    throw new RegexSyntaxError(`"${text.slice(at, at + 12)}" names no Unicode class`);
  }
  const negated = (letter === 'P') !== (found.groups?.['not'] === '^');
  return { set: negated ? invertSet(set) : set, at: at + found[0].length };
}

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['v', 0x0b],
]);

/** A backslash and what follows, meaning one character. */
export function readEscapedChar(text: string, at: number): { readonly code: number; readonly at: number } {
  const letter = text[at + 1];
  if (letter === undefined) throw new RegexSyntaxError('it ends with a lone backslash');
  const control = CONTROLS.get(letter);
  if (control !== undefined) return { code: control, at: at + 2 };
  const hex = /^\\x(?:\{(?<long>[0-9A-Fa-f]{1,4})\}|(?<short>[0-9A-Fa-f]{2}))/.exec(text.slice(at, at + 8));
  const digits = hex?.groups?.['long'] ?? hex?.groups?.['short'];
  if (hex !== null && digits !== undefined) return { code: Number.parseInt(digits, 16), at: at + hex[0].length };
  const octal = /^\\(?<digits>0[0-7]{0,2}|[1-7][0-7]{2})/.exec(text.slice(at, at + 4));
  if (octal?.groups !== undefined) {
    return { code: Number.parseInt(octal.groups['digits'] ?? '0', 8), at: at + octal[0].length };
  }
  if (/[A-Za-z0-9]/.test(letter)) throw new RegexSyntaxError(`"\\${letter}" is not of RE2's syntax`);
  return { code: letter.charCodeAt(0), at: at + 2 };
}

/** `[a-z]`, `[^\d.]`, `[[:alpha:]_]`, from its opening bracket. */
export function parseBracket(text: string, start: number, ignoreCase: boolean): ReadSet {
  let at = start + 1;
  const negated = text[at] === '^';
  if (negated) at++;
  const first = at;
  const pairs: (readonly [number, number])[] = [];
  // A bracket that comes first is a member.
  while (at === first || text[at] !== ']') {
    if (at >= text.length) throw new RegexSyntaxError('it has a "[" that is not closed');
    const known = parseMemberClass(text, at);
    if (known !== undefined) {
      pairs.push(...pairsOf(known.set));
      at = known.at;
      continue;
    }
    const low = readMember(text, at);
    const isRange = text[low.at] === '-' && text[low.at + 1] !== ']' && text[low.at + 1] !== undefined;
    const high = isRange ? readMember(text, low.at + 1) : low;
    if (high.code < low.code) throw new RegexSyntaxError(`range "${text.slice(at, high.at)}" is the wrong way round`);
    pairs.push([low.code, high.code]);
    at = high.at;
  }
  const set = normalizeSet(pairs);
  const folded = ignoreCase ? foldCase(set) : set;
  return { set: negated ? invertSet(folded) : folded, at: at + 1 };
}

function parseMemberClass(text: string, at: number): ReadSet | undefined {
  if (text[at] === '\\') return parseClassEscape(text, at);
  const posix = /^\[:(?<not>\^?)(?<name>\w+):\]/.exec(text.slice(at, at + 16));
  if (posix?.groups === undefined) return undefined;
  const set = POSIX.get(posix.groups['name'] ?? '');
  if (set === undefined) throw new RegexSyntaxError(`${posix[0]} names no class`);
  return { set: posix.groups['not'] === '^' ? invertSet(set) : set, at: at + posix[0].length };
}

function readMember(text: string, at: number): { readonly code: number; readonly at: number } {
  if (text[at] === '\\') return readEscapedChar(text, at);
  return { code: text.charCodeAt(at), at: at + 1 };
}
