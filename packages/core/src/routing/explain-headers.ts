import type { HeaderOperations, Route, WeightedDestination } from '../model/index.ts';
import { type ExplainedStep, ofRoute } from './explained-step.ts';

/** A sentence for each name, in the order in which it is done. */
export function headerChanges({ set, add, remove }: HeaderOperations): readonly string[] {
  return [
    ...remove.map((name) => `${name} is removed.`),
    ...set.map(([name, value]) => `${name} is set to ${JSON.stringify(value)}.`),
    ...add.map(([name, value]) => `${name} is added: ${JSON.stringify(value)}.`),
  ];
}

/** What becomes of the calls that go to one of several destinations, and of their responses. */
export function explainDestinationChanges(
  route: Route,
  { headers, authority }: WeightedDestination,
): readonly ExplainedStep[] {
  const { object, field } = ofRoute(route);
  const at = { ...(object !== undefined && { object }), ...(field !== undefined && { field: `${field}.route` }) };
  const steps: ExplainedStep[] = [];
  const add = (decision: string, because: readonly string[]): void => {
    steps.push({ step: 'action', ...at, decision, because });
  };
  if (authority !== undefined) {
    const rival = route.rewrite?.authority;
    if (rival === undefined) add(`The authority of these calls becomes ${authority}.`, []);
    else add(`The authority of these calls does not become ${authority}.`, [`The rule's rewrite makes it ${rival}.`]);
  }
  if (headers === undefined) return steps;
  const before = headerChanges(headers.request);
  const after = headerChanges(headers.response);
  if (before.length > 0) {
    const later = route.headers !== undefined && headerChanges(route.headers.request).length > 0;
    add('Metadata of these requests is changed.', later ? [...before, LATER] : before);
  }
  if (after.length > 0) {
    const later = route.headers !== undefined && headerChanges(route.headers.response).length > 0;
    add('Metadata of their responses is changed.', later ? [...after, LATER] : after);
  }
  return steps;
}

const LATER = 'What the rule itself changes comes after that.';
