import type { TrafficPolicySettings } from '../../config/index.ts';
import type { Endpoint, PolicyBlock, ServiceEntry, ServicePort } from '../../model/index.ts';
import { hasLabels } from '../client-identity.ts';
import type { EffectiveRule, EffectiveSubset } from '../destination-rules/merge-destination-rules.ts';
import { effectivePolicy } from './effective-policy.ts';
import { type BlockPlace, placeOfBlock } from './policy-places.ts';

/** What a rule makes of one port of a Service, or of a subset of its endpoints. */
export interface PolicyInForce {
  readonly port: ServicePort;
  readonly subset?: EffectiveSubset;
  /** Whatever their conditions. */
  readonly endpoints: readonly Endpoint[];
  readonly policy: TrafficPolicySettings;
  /** Where a block of it stands; `undefined`: the rule does not say it. @param field within the block */
  placeOf(block: PolicyBlock, field?: string): BlockPlace | undefined;
}

/** Those of every cluster that the rule is for: of the Service's TCP ports, and of each subset of these. */
export function policiesInForce({ service, ports }: ServiceEntry, rule: EffectiveRule): readonly PolicyInForce[] {
  // An alias has no clusters.
  if (service.type === 'ExternalName') return [];
  return ports
    .filter(({ port }) => port.protocol === 'TCP')
    .flatMap(({ port, endpoints }) =>
      [undefined, ...rule.subsets].map((subset): PolicyInForce => ({
        port,
        ...(subset !== undefined && { subset }),
        endpoints:
          subset === undefined ? endpoints : endpoints.filter(({ labels }) => hasLabels(labels, subset.labels)),
        policy: effectivePolicy(rule.trafficPolicy, subset?.trafficPolicy, port.port),
        placeOf(block, field) {
          const found = placeOfBlock(rule, subset, port.port, block);
          if (found === undefined || field === undefined) return found;
          return { ...found, place: { ...found.place, path: `${found.place.path}.${field}` } };
        },
      })),
    );
}
