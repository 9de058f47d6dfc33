import type { Condition } from './match-conditions.ts';
import type { RouteRequest } from './route-request.ts';

/** One of several, the first of which counts: what it stands for, and what must hold for it. */
export interface Choice<T> {
  readonly result: T;
  readonly conditions: readonly Condition[];
}

/** Finds the first choice all of whose conditions hold. */
export type DecisionList<T> = (request: RouteRequest) => T | undefined;

/**
 * Choices in order, those in a row that ask for a certain value of the same thing taken together: it is read once and looked up.
 * A hundred rules for a hundred tenants cost what one costs.
 */
export function createDecisionList<T>(choices: readonly Choice<T>[]): DecisionList<T> {
  const steps: DecisionList<T>[] = [];
  for (let at = 0; at < choices.length;) {
    const run = runFrom(choices, at);
    const [first] = run;
    if (first === undefined) break;
    steps.push(run.length > 1 ? createSwitch(run) : createTest(first));
    at += run.length;
  }
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  return (request) => {
    for (let at = 0; at < steps.length; at++) {
      const found = steps[at]?.(request);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** The choice at `at`, and those behind it whose first condition, too, asks for one value of the same thing. */
function runFrom<T>(choices: readonly Choice<T>[], at: number): readonly Choice<T>[] {
  const first = choices[at]?.conditions[0];
  if (first?.value === undefined) return choices.slice(at, at + 1);
  let end = at + 1;
  for (; end < choices.length; end++) {
    const next = choices[end]?.conditions[0];
    if (next?.value === undefined || next.field !== first.field) break;
  }
  return choices.slice(at, end);
}

function createTest<T>({ result, conditions }: Choice<T>): DecisionList<T> {
  return (request) => {
    for (let at = 0; at < conditions.length; at++) {
      const condition = conditions[at];
      if (condition !== undefined && !condition.holds(condition.read(request))) return undefined;
    }
    return result;
  };
}

function createSwitch<T>(run: readonly Choice<T>[]): DecisionList<T> {
  const read = run[0]?.conditions[0]?.read;
  const byValue = new Map<string, Choice<T>[]>();
  for (const { result, conditions } of run) {
    const [first, ...others] = conditions;
    if (first?.value === undefined) continue;
    const rest = { result, conditions: others };
    const same = byValue.get(first.value);
    if (same === undefined) byValue.set(first.value, [rest]);
    else same.push(rest);
  }
  const lists = new Map(Array.from(byValue, ([value, choices]) => [value, createDecisionList(choices)]));
  return (request) => {
    const value = read?.(request);
    return value === undefined ? undefined : lists.get(value)?.(request);
  };
}
