import type { DestinationRule, ParsedObject, TrafficPolicy } from '@steelyard/core/config';

/** Which labels of Pods decide anything. */
export interface LabelSelection {
  readonly keys: ReadonlySet<string>;
  /** Pods without any of them count as well: that they have none is known then, not only not unknown. */
  readonly everyPod: boolean;
}

/** Labels that say where a Pod is (Istio, pkg/model and pilot/pkg/networking/util). */
const PLACE_LABELS = ['istio-locality', 'topology.istio.io/network'];

export const NO_RULES: LabelSelection = { keys: new Set(PLACE_LABELS), everyPod: false };

/** What DestinationRules select by: subsets, and the order that endpoints come in. */
export function selectLabels(objects: Iterable<ParsedObject>): LabelSelection {
  const keys = new Set(PLACE_LABELS);
  let everyPod = false;
  for (const { object } of objects) {
    if (object.kind !== 'DestinationRule') continue;
    for (const policy of policiesOf(object)) {
      for (const settings of [policy, ...(policy.ports?.values() ?? [])]) {
        for (const label of settings.locality?.failoverPriority ?? []) keys.add(label.split('=')[0] ?? label);
      }
    }
    for (const { labels } of object.subsets) {
      everyPod = true;
      for (const key of Object.keys(labels)) keys.add(key);
    }
  }
  return { keys, everyPod };
}

function policiesOf({ trafficPolicy, subsets }: DestinationRule): readonly TrafficPolicy[] {
  return [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)].filter((policy) => policy !== undefined);
}

export function isSameSelection(a: LabelSelection, b: LabelSelection): boolean {
  return a.everyPod === b.everyPod && a.keys.size === b.keys.size && [...a.keys].every((key) => b.keys.has(key));
}
