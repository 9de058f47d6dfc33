import { ANY, ANY_BUT_NEWLINE, type CharSet, foldCase } from './char-set.ts';
import { parseBracket, parseClassEscape, readEscapedChar } from './parse-class.ts';
import { type RegexNode, RegexSyntaxError } from './syntax.ts';

/** Groups inside groups: more is no honest pattern, and would only eat the stack. */
const DEEPEST = 200;
/** RE2's bound of a counted repetition. */
const MOST_REPEATS = 1000;

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

export interface ParsedRegex {
  readonly node: RegexNode;
  /** Capturing groups, without the whole match. */
  readonly captures: number;
}

/**
 * RE2's syntax (github.com/google/re2/wiki/Syntax), which leaves out what cannot be matched in linear time:
 * back-references and looking around.
 *
 * @throws {RegexSyntaxError}
 */
export function parseRegex(pattern: string, ignoreCase: boolean): ParsedRegex {
  const parser = new RegexParser(pattern);
  const node = parser.parseEither({ ignoreCase, multiLine: false, dotAll: false, ungreedy: false }, 0);
  if (parser.at < pattern.length) throw new RegexSyntaxError('it has a ")" that closes nothing');
  return { node, captures: parser.captures };
}

class RegexParser {
  at = 0;
  captures = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  parseEither(outer: Flags, depth: number): RegexNode {
    if (depth > DEEPEST) throw new RegexSyntaxError(`its groups are nested deeper than ${DEEPEST}`);
    let flags = outer;
    const branches: RegexNode[] = [];
    let nodes: RegexNode[] = [];
    for (;;) {
      const char = this.#text[this.at];
      if (char === undefined || char === ')') break;
      if (char === '|') {
        this.at++;
        branches.push(sequence(nodes));
        nodes = [];
      } else if (this.#text.startsWith('(?', this.at)) {
        const opened = this.#openFlags(flags);
        if (opened.closed) flags = opened.flags;
        else nodes.push(this.#repeated(this.#group(opened.flags, opened.capture, depth), flags));
      } else if (char === '(') {
        this.at++;
        this.captures++;
        nodes.push(this.#repeated(this.#group(flags, this.captures, depth), flags));
      } else if (this.#text.startsWith(String.raw`\Q`, this.at)) {
        nodes.push(...this.#quoted(flags));
      } else {
        nodes.push(this.#repeated(this.#atom(flags), flags));
      }
    }
    branches.push(sequence(nodes));
    const [only, ...others] = branches;
    return only !== undefined && others.length === 0 ? only : { kind: 'either', nodes: branches };
  }

  #group(flags: Flags, capture: number, depth: number): RegexNode {
    const node = this.parseEither(flags, depth + 1);
    if (this.#text[this.at] !== ')') throw new RegexSyntaxError('it has a "(" that is not closed');
    this.at++;
    return capture === 0 ? node : { kind: 'group', node, capture };
  }

  /** After `(?`: a name, or flags for the group or for what follows. */
  #openFlags(outer: Flags): { readonly flags: Flags; readonly capture: number; readonly closed: boolean } {
    const rest = this.#text.slice(this.at, this.at + 80);
    const named = /^\(\?P?<[A-Za-z_]\w*>/.exec(rest);
    if (named !== null) {
      this.at += named[0].length;
      this.captures++;
      return { flags: outer, capture: this.captures, closed: false };
    }
    const found = /^\(\?(?<on>[imsU]*)(?:-(?<off>[imsU]+))?(?<end>[:)])/.exec(rest);
    if (found?.groups === undefined) throw new RegexSyntaxError(`"${rest.slice(0, 4)}" is not of RE2's syntax`);
    this.at += found[0].length;
    const { on = '', off = '', end } = found.groups;
    const pick = (flag: string, before: boolean): boolean => !off.includes(flag) && (on.includes(flag) || before);
    const flags = {
      ignoreCase: pick('i', outer.ignoreCase),
      multiLine: pick('m', outer.multiLine),
      dotAll: pick('s', outer.dotAll),
      ungreedy: pick('U', outer.ungreedy),
    };
    return { flags, capture: 0, closed: end === ')' };
  }

  #quoted(flags: Flags): readonly RegexNode[] {
    const end = this.#text.indexOf(String.raw`\E`, this.at);
    const quoted = this.#text.slice(this.at + 2, end < 0 ? undefined : end);
    this.at = end < 0 ? this.#text.length : end + 2;
    const nodes = Array.from({ length: quoted.length }, (_, at) => chars(oneChar(quoted.charCodeAt(at)), flags));
    // A repetition behind the quotation is of its last character.
    const last = nodes.pop();
    return last === undefined ? [] : [...nodes, this.#repeated(last, flags)];
  }

  #atom(flags: Flags): RegexNode {
    const char = this.#text[this.at] ?? '';
    switch (char) {
      case '.':
        this.at++;
        return { kind: 'chars', set: flags.dotAll ? ANY : ANY_BUT_NEWLINE };
      case '^':
        this.at++;
        return { kind: 'assert', what: flags.multiLine ? 'line-start' : 'text-start' };
      case '$':
        this.at++;
        return { kind: 'assert', what: flags.multiLine ? 'line-end' : 'text-end' };
      case '[': {
        const { set, at } = parseBracket(this.#text, this.at, flags.ignoreCase);
        this.at = at;
        return { kind: 'chars', set };
      }
      case '\\':
        return this.#escape(flags);
      case '*':
      case '+':
      case '?':
        throw new RegexSyntaxError(`"${char}" has nothing to repeat`);
      default:
        this.at++;
        return chars(oneChar(char.charCodeAt(0)), flags);
    }
  }

  #escape(flags: Flags): RegexNode {
    const letter = this.#text[this.at + 1];
    const what = letter === undefined ? undefined : ASSERTIONS.get(letter);
    if (what !== undefined) {
      this.at += 2;
      return { kind: 'assert', what };
    }
    const known = parseClassEscape(this.#text, this.at);
    if (known !== undefined) {
      this.at = known.at;
      return { kind: 'chars', set: flags.ignoreCase ? foldCase(known.set) : known.set };
    }
    const { code, at } = readEscapedChar(this.#text, this.at);
    this.at = at;
    return chars(oneChar(code), flags);
  }

  #repeated(atom: RegexNode, flags: Flags): RegexNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return atom;
    const lazy = this.#text[this.at] === '?';
    if (lazy) this.at++;
    if (this.#text[this.at] === '*' || this.#text[this.at] === '+' || this.#text[this.at] === '?') {
      throw new RegexSyntaxError('it repeats a repetition; put the inner one in a group');
    }
    return { kind: 'repeat', node: atom, ...bounds, greedy: lazy === flags.ungreedy };
  }

  #bounds(): { readonly least: number; readonly most: number } | undefined {
    const char = this.#text[this.at];
    if (char === '*' || char === '+' || char === '?') {
      this.at++;
      return { least: char === '+' ? 1 : 0, most: char === '?' ? 1 : Number.POSITIVE_INFINITY };
    }
    // Braces that hold no count are plain characters.
    const counted = /^\{(?<least>\d+)(?<comma>,)?(?<most>\d+)?\}/.exec(this.#text.slice(this.at, this.at + 16));
    if (counted?.groups === undefined) return undefined;
    const { least: leastText = '0', comma, most: mostText } = counted.groups;
    if (comma === undefined && mostText !== undefined) return undefined;
    this.at += counted[0].length;
    const least = Number(leastText);
    const most = mostText === undefined ? (comma === undefined ? least : Number.POSITIVE_INFINITY) : Number(mostText);
    if (least > MOST_REPEATS || (most !== Number.POSITIVE_INFINITY && most > MOST_REPEATS) || least > most) {
      throw new RegexSyntaxError(`${counted[0]} is no count from 0 to ${MOST_REPEATS}`);
    }
    return { least, most };
  }
}

const ASSERTIONS: ReadonlyMap<string, 'text-start' | 'text-end' | 'word' | 'not-word'> = new Map([
  ['A', 'text-start'],
  ['z', 'text-end'],
  ['b', 'word'],
  ['B', 'not-word'],
] as const);

function sequence(nodes: readonly RegexNode[]): RegexNode {
  const [only, ...others] = nodes;
  if (only === undefined) return { kind: 'empty' };
  return others.length === 0 ? only : { kind: 'sequence', nodes };
}

function oneChar(code: number): CharSet {
  return [code, code];
}

function chars(set: CharSet, { ignoreCase }: Flags): RegexNode {
  return { kind: 'chars', set: ignoreCase ? foldCase(set) : set };
}
