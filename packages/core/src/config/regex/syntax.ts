import type { CharSet } from './char-set.ts';

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word' | 'not-word';

/** A regular expression as a tree. */
export type RegexNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'chars'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'group'; readonly node: RegexNode; readonly capture: number }
  | { readonly kind: 'sequence'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly nodes: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly node: RegexNode;
      readonly least: number;
      /** Infinity without a bound. */
      readonly most: number;
      readonly greedy: boolean;
    };

/** What is wrong with a pattern: a clause without a full stop. */
export class RegexSyntaxError extends Error {
  override readonly name = 'RegexSyntaxError';
}
