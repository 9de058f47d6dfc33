/**
 * What happens to the pods while callers call.
 *
 * - `scale-up`: as many pods again are added, at once, and no connection is lost.
 * - `rollout`: each pod is replaced by a new one, one after the other.
 */
export type Scenario = 'scale-up' | 'rollout';

export const SCENARIOS: readonly Scenario[] = ['scale-up', 'rollout'];

export function isScenario(text: string): text is Scenario {
  return SCENARIOS.some((scenario) => scenario === text);
}

export function unknownScenario(scenario: never): never {
  throw new RangeError(`there is no scenario ${JSON.stringify(scenario)}`);
}
