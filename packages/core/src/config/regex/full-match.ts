import { hasChar } from './char-set.ts';
import { holds, type Step } from './program.ts';

interface State {
  /** Steps to go on from, before what needs no character has been followed. */
  readonly threads: readonly number[];
  /** The character before, -1 at the start: assertions look at it. */
  readonly before: number;
  /** By character, for those of one octet. */
  readonly next: (State | null | undefined)[];
  accepts: boolean | undefined;
}

/** States kept of a pattern. When there are more, all are forgotten: memory is bounded, time stays linear. */
const MOST_STATES = 512;

/**
 * Whether a text as a whole matches: all threads of the program at once, one character at a time, so time is linear in
 * the text whatever the pattern (Thompson 1968). Sets of threads seen before are states of an automaton (RE2's lazy DFA).
 */
export function createFullMatcher(steps: readonly Step[], start: number): (text: string) => boolean {
  const looksAround = steps.some((step) => step.kind === 'assert');
  const states = new Map<string, State>();
  const seen = new Uint32Array(steps.length);
  let round = 0;

  const stateOf = (threads: readonly number[], before: number): State => {
    const context = looksAround ? before : 0;
    const key = `${context} ${threads.join(' ')}`;
    let state = states.get(key);
    if (state === undefined) {
      if (states.size >= MOST_STATES) states.clear();
      state = { threads, before: context, next: [], accepts: undefined };
      states.set(key, state);
    }
    return state;
  };
  /** Follows what needs no character; `visit` gets each step that does, or the end. */
  const follow = (state: State, after: number, visit: (step: Step) => void): void => {
    round++;
    const stack = [...state.threads];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const step = steps[at];
      if (step === undefined || seen[at] === round) continue;
      seen[at] = round;
      if (step.kind === 'split') stack.push(step.other, step.next);
      else if (step.kind === 'save') stack.push(step.next);
      else if (step.kind !== 'assert') visit(step);
      else if (holds(step.what, state.before, after)) stack.push(step.next);
    }
  };
  const advance = (state: State, code: number): State | null => {
    const reached = new Set<number>();
    follow(state, code, (step) => {
      if (step.kind === 'chars' && hasChar(step.set, code)) reached.add(step.next);
    });
    return reached.size === 0
      ? null
      : stateOf(
          [...reached].toSorted((a, b) => a - b),
          code,
        );
  };
  const accepts = (state: State): boolean => {
    let found = false;
    follow(state, -1, (step) => {
      if (step.kind === 'match') found = true;
    });
    return found;
  };

  return (text) => {
    let state = stateOf([start], -1);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      let next = code < 256 ? state.next[code] : undefined;
      if (next === undefined) {
        next = advance(state, code);
        if (code < 256) state.next[code] = next;
      }
      if (next === null) return false;
      state = next;
    }
    state.accepts ??= accepts(state);
    return state.accepts;
  };
}
