import type { DestinationRule, FieldPlace } from '../../config/index.ts';
import { POLICY_BLOCKS, type PolicyBlock, type PolicyPlace, type PolicyPlaces, refOf } from '../../model/index.ts';
import type { EffectiveRule, EffectiveSubset } from '../destination-rules/merge-destination-rules.ts';

/** A block of a policy, in the rule that says it. */
export interface BlockPlace {
  readonly object: DestinationRule;
  readonly place: FieldPlace;
}

/** Where each block that `effectivePolicy` takes stands; `undefined` where none does. */
export function policyPlaces(
  rule: EffectiveRule | undefined,
  subset: EffectiveSubset | undefined,
  port: number,
): PolicyPlaces | undefined {
  const places: Partial<Record<PolicyBlock, PolicyPlace>> = {};
  for (const block of POLICY_BLOCKS) {
    const found = placeOfBlock(rule, subset, port, block);
    if (found !== undefined) places[block] = { object: refOf(found.object), field: found.place.path };
  }
  return Object.keys(places).length === 0 ? undefined : places;
}

/** Where the block that holds for one port of a cluster stands; its position is that of the nearest thing with one. */
export function placeOfBlock(
  rule: EffectiveRule | undefined,
  subset: EffectiveSubset | undefined,
  port: number,
  block: PolicyBlock,
): BlockPlace | undefined {
  if (subset !== undefined) {
    const { trafficPolicy, place, rule: owner } = subset;
    const ofPort = trafficPolicy?.ports?.get(port);
    if ((ofPort ?? trafficPolicy)?.[block] !== undefined) {
      const path = `${place.path}.${policyField(ofPort && port)}.${block}`;
      return { object: owner, place: { ...place, path } };
    }
    // What a port's settings leave out is the default, but for the budget, which no port has.
    if (ofPort !== undefined && block !== 'retryBudget') return undefined;
  }
  const { trafficPolicy, policyOf } = rule ?? {};
  const ofPort = trafficPolicy?.ports?.get(port);
  if (policyOf === undefined || (ofPort ?? trafficPolicy)?.[block] === undefined) return undefined;
  const { position } = policyOf;
  const path = `spec.${policyField(ofPort && port)}.${block}`;
  return { object: policyOf, place: { path, ...(position !== undefined && { position }) } };
}

/** The field of a policy, or of the settings of one of its ports: `trafficPolicy.portLevelSettings[port 8000]`. */
export function policyField(port: number | undefined): string {
  return port === undefined ? 'trafficPolicy' : `trafficPolicy.portLevelSettings[port ${port}]`;
}
