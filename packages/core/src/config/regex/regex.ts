import { createFullMatcher } from './full-match.ts';
import { parseRegex } from './parse-regex.ts';
import { compileProgram } from './program.ts';
import { replaceAll } from './replace.ts';

export { RegexSyntaxError } from './syntax.ts';

/** A compiled regular expression of RE2's syntax; no input makes it slow. */
export interface Regex {
  /** Capturing groups, without the whole match. */
  readonly captures: number;
  /** Whether the text as a whole matches, as Envoy matches. */
  readonly matches: (text: string) => boolean;
  /** Every match replaced; `\1` in `rewrite` is the first group. */
  readonly replaceAll: (text: string, rewrite: string) => string;
}

/** @throws {RegexSyntaxError} with a clause that says what is wrong */
export function createRegex(pattern: string, ignoreCase = false): Regex {
  const { node, captures } = parseRegex(pattern, ignoreCase);
  const { steps, start } = compileProgram(node);
  return {
    captures,
    matches: createFullMatcher(steps, start),
    replaceAll: (text, rewrite) => replaceAll(steps, start, text, rewrite),
  };
}
