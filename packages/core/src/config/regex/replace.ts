import { hasChar } from './char-set.ts';
import { holds, type Step } from './program.ts';

/** Where a match and its groups stand: pairs of start and end, -1 for a group that took no part. */
type Captures = readonly number[];

/**
 * The leftmost match from `from` on, by the pattern's preference: Pike's machine, which carries the groups of each
 * thread along. Time is bounded by the text times the program.
 */
function findMatch(steps: readonly Step[], start: number, text: string, from: number): Captures | undefined {
  let found: Captures | undefined;
  let current = new Map<number, Captures>();
  for (let at = from; at <= text.length; at++) {
    const before = at === 0 ? -1 : text.charCodeAt(at - 1);
    const after = at === text.length ? -1 : text.charCodeAt(at);
    const threads = new Map<number, Captures>();
    for (const [step, captures] of current) spread(steps, step, captures, at, before, after, threads);
    if (found === undefined) spread(steps, start, [at], at, before, after, threads);
    const next = new Map<number, Captures>();
    for (const [index, captures] of threads) {
      const step = steps[index];
      if (step?.kind === 'match') {
        found = withSlot(captures, 1, at);
        // Threads behind this one are less preferred.
        break;
      }
      if (step?.kind === 'chars' && hasChar(step.set, after) && !next.has(step.next)) next.set(step.next, captures);
    }
    if (next.size === 0 && found !== undefined) break;
    current = next;
  }
  return found;
}

/** Adds what can be reached without a character, in the order of preference. */
function spread(
  steps: readonly Step[],
  start: number,
  captures: Captures,
  at: number,
  before: number,
  after: number,
  threads: Map<number, Captures>,
): void {
  const stack: { readonly index: number; readonly captures: Captures }[] = [{ index: start, captures }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const step = steps[top.index];
    if (step === undefined || threads.has(top.index)) continue;
    threads.set(top.index, top.captures);
    if (step.kind === 'split') {
      stack.push({ index: step.other, captures: top.captures }, { index: step.next, captures: top.captures });
    } else if (step.kind === 'save') {
      stack.push({ index: step.next, captures: withSlot(top.captures, step.slot, at) });
    } else if (step.kind === 'assert' && holds(step.what, before, after)) {
      stack.push({ index: step.next, captures: top.captures });
    }
  }
}

function withSlot(captures: Captures, slot: number, at: number): Captures {
  const copy = [...captures];
  while (copy.length <= slot) copy.push(-1);
  copy[slot] = at;
  return copy;
}

/** `\0` to `\9` in `rewrite` are the whole match and its groups, `\\` a backslash (RE2's `GlobalReplace`). */
export function replaceAll(steps: readonly Step[], start: number, text: string, rewrite: string): string {
  let result = '';
  let at = 0;
  let lastEnd = -1;
  while (at <= text.length) {
    const captures = findMatch(steps, start, text, at);
    const [first, end] = captures ?? [];
    if (captures === undefined || first === undefined || end === undefined) break;
    // RE2 finds no empty match right behind another match.
    const counts = end > first || first !== lastEnd;
    result += text.slice(at, first) + (counts ? substitute(text, captures, rewrite) : '');
    lastEnd = end;
    // An empty match takes nothing; the character behind it stays.
    if (end === first) result += text.slice(end, end + 1);
    at = end === first ? end + 1 : end;
  }
  return result + text.slice(at);
}

function substitute(text: string, captures: Captures, rewrite: string): string {
  return rewrite.replaceAll(/\\(?<what>[0-9\\])/g, (_whole, what: string) => {
    if (what === '\\') return '\\';
    const first = captures[Number(what) * 2] ?? -1;
    const end = captures[Number(what) * 2 + 1] ?? -1;
    return first < 0 || end < 0 ? '' : text.slice(first, end);
  });
}
