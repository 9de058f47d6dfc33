import { type CharSet, hasChar, WORD } from './char-set.ts';
import { type Assertion, type RegexNode, RegexSyntaxError } from './syntax.ts';

/** One step of the machine. `next` and `other` are indexes of steps; `next` is preferred. */
export type Step =
  | { readonly kind: 'chars'; readonly set: CharSet; readonly next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'assert'; readonly what: Assertion; readonly next: number }
  | { readonly kind: 'save'; readonly slot: number; readonly next: number }
  | { readonly kind: 'match' };

/** Time per character is at most this many steps; RE2 bounds its programs by memory alike. */
const MOST_STEPS = 20_000;

/**
 * Thompson's construction, from the end to the start: each node is compiled with the step that follows it.
 *
 * @throws {RegexSyntaxError} when counted repetitions make the program too large
 */
export function compileProgram(node: RegexNode): { readonly steps: readonly Step[]; readonly start: number } {
  const steps: Step[] = [];
  const add = (step: Step): number => {
    if (steps.length >= MOST_STEPS) throw new RegexSyntaxError('its repetitions multiply to too large a program');
    return steps.push(step) - 1;
  };
  const compile = (tree: RegexNode, next: number): number => {
    switch (tree.kind) {
      case 'empty':
        return next;
      case 'chars':
        return add({ kind: 'chars', set: tree.set, next });
      case 'assert':
        return add({ kind: 'assert', what: tree.what, next });
      case 'group': {
        const end = add({ kind: 'save', slot: tree.capture * 2 + 1, next });
        return add({ kind: 'save', slot: tree.capture * 2, next: compile(tree.node, end) });
      }
      case 'sequence':
        return tree.nodes.reduceRight((after, part) => compile(part, after), next);
      case 'either': {
        const starts = tree.nodes.map((branch) => compile(branch, next));
        return starts
          .slice(0, -1)
          .reduceRight((other, start) => add({ kind: 'split', next: start, other }), starts.at(-1) ?? next);
      }
      case 'repeat':
        return repeat(tree, next);
      default:
        return tree satisfies never;
    }
  };
  const split = (inside: number, after: number, greedy: boolean): number =>
    add({ kind: 'split', next: greedy ? inside : after, other: greedy ? after : inside });
  const repeat = ({ node: inner, least, most, greedy }: RegexNode & { kind: 'repeat' }, next: number): number => {
    let start = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop: Step & { kind: 'split' } = { kind: 'split', next: -1, other: -1 };
      start = add(loop);
      const inside = compile(inner, start);
      loop.next = greedy ? inside : next;
      loop.other = greedy ? next : inside;
    } else {
      for (let times = least; times < most; times++) start = split(compile(inner, start), next, greedy);
    }
    for (let times = 0; times < least; times++) start = compile(inner, start);
    return start;
  };
  const end = add({ kind: 'match' });
  const start = compile(node, end);
  return { steps, start };
}

/** What stands before or after a place in a text. -1 is the edge of the text. */
export function holds(what: Assertion, before: number, after: number): boolean {
  switch (what) {
    case 'text-start':
      return before === -1;
    case 'text-end':
      return after === -1;
    case 'line-start':
      return before === -1 || before === 0x0a;
    case 'line-end':
      return after === -1 || after === 0x0a;
    case 'word':
      return hasChar(WORD, before) !== hasChar(WORD, after);
    case 'not-word':
      return hasChar(WORD, before) === hasChar(WORD, after);
    default:
      return what satisfies never;
  }
}
