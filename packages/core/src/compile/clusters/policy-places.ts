import { POLICY_BLOCKS, type PolicyBlock, type PolicyPlace, type PolicyPlaces, refOf } from '../../model/index.ts';
import type { EffectiveRule, EffectiveSubset } from '../destination-rules/merge-destination-rules.ts';

/** Where each block that `effectivePolicy` takes stands; `undefined` where none does. */
export function policyPlaces(
  rule: EffectiveRule | undefined,
  subset: EffectiveSubset | undefined,
  port: number,
): PolicyPlaces | undefined {
  const places: Partial<Record<PolicyBlock, PolicyPlace>> = {};
  const add = (block: PolicyBlock, object: PolicyPlace['object'], path: string): void => {
    places[block] = { object, field: `${path}.${block}` };
  };
  const ofPort = `trafficPolicy.portLevelSettings[port ${port}]`;
  for (const block of POLICY_BLOCKS) {
    if (subset !== undefined) {
      const { trafficPolicy, place, rule: owner } = subset;
      const settings = trafficPolicy?.ports?.get(port);
      if (settings?.[block] !== undefined) {
        add(block, refOf(owner), `${place.path}.${ofPort}`);
        continue;
      }
      // What a port's settings leave out is the default, but for the budget, which no port has.
      if (settings !== undefined && block !== 'retryBudget') continue;
      if (settings === undefined && trafficPolicy?.[block] !== undefined) {
        add(block, refOf(owner), `${place.path}.trafficPolicy`);
        continue;
      }
    }
    const { trafficPolicy, policyOf } = rule ?? {};
    if (policyOf === undefined) continue;
    const settings = trafficPolicy?.ports?.get(port);
    if ((settings ?? trafficPolicy)?.[block] === undefined) continue;
    add(block, refOf(policyOf), settings === undefined ? 'spec.trafficPolicy' : `spec.${ofPort}`);
  }
  return Object.keys(places).length === 0 ? undefined : places;
}
