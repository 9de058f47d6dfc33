import type { DestinationRule, FieldPlace, TrafficPolicy } from '../../config/index.ts';
import { POLICY_BLOCKS, type ServiceEntry } from '../../model/index.ts';
import { effectivePolicy } from '../clusters/effective-policy.ts';
import { placeOfBlock, policyField } from '../clusters/policy-places.ts';
import type { CompileReport } from '../compile-report.ts';
import type { EffectiveRule, EffectiveSubset } from '../destination-rules/merge-destination-rules.ts';

/** Settings of ports that none of the rule's Services has. */
export function reportUnknownPorts(
  rule: DestinationRule,
  host: string,
  entries: readonly ServiceEntry[],
  report: CompileReport,
): void {
  // Of a host that is no Service it is said that the rule has no effect at all.
  if (entries.length === 0) return;
  const all = entries.flatMap(({ ports }) => ports.filter(({ port }) => port.protocol === 'TCP'));
  const known = new Set(all.map(({ port }) => port.port));
  for (const { policy, place } of policiesOf(rule)) {
    for (const port of policy?.ports?.keys() ?? []) {
      if (known.has(port)) continue;
      const has = host.startsWith('*')
        ? `No Service of ${host} has a TCP port ${port}`
        : `Service ${host} has no TCP port ${port} (it has ${[...known].join(', ') || 'none'})`;
      const message = `${has}, so these settings have no effect; correct the number or remove them.`;
      report.add('port-settings-unused', rule, message, { ...place, path: `${place.path}.${policyField(port)}` });
    }
  }
}

function policiesOf(
  rule: DestinationRule,
): readonly { readonly policy: TrafficPolicy | undefined; readonly place: FieldPlace }[] {
  const { position, trafficPolicy, subsets } = rule;
  const place = { path: 'spec', ...(position !== undefined && { position }) };
  return [{ policy: trafficPolicy, place }, ...subsets.map((one) => ({ policy: one.trafficPolicy, place: one.place }))];
}

/** Blocks that would hold for a port, were there no settings of its own: these replace all of them (`PortTrafficPolicy`). */
export function reportLostBlocks({ ports }: ServiceEntry, rule: EffectiveRule, report: CompileReport): void {
  const { policyOf, trafficPolicy } = rule;
  for (const { port } of ports) {
    if (port.protocol !== 'TCP') continue;
    const own = trafficPolicy?.ports?.has(port.port) === true;
    if (own && policyOf !== undefined) {
      const { position } = policyOf;
      const place = { path: 'spec', ...(position !== undefined && { position }) };
      const wider: EffectiveRule = { ...rule, trafficPolicy: withoutPorts(trafficPolicy) };
      reportLost(port.port, { rule, wider }, undefined, { object: policyOf, place }, report);
    }
    for (const subset of rule.subsets) {
      if (subset.trafficPolicy?.ports?.has(port.port) !== true) continue;
      const wider = { ...subset, trafficPolicy: withoutPorts(subset.trafficPolicy) };
      reportLost(
        port.port,
        { rule, wider: rule },
        { subset, wider },
        { object: subset.rule, place: subset.place },
        report,
      );
    }
  }
}

function withoutPorts({ ports: _ports, ...policy }: TrafficPolicy): TrafficPolicy {
  return policy;
}

function reportLost(
  port: number,
  rules: { readonly rule: EffectiveRule; readonly wider: EffectiveRule },
  subsets: { readonly subset: EffectiveSubset; readonly wider: EffectiveSubset } | undefined,
  { object, place }: { readonly object: DestinationRule; readonly place: FieldPlace },
  report: CompileReport,
): void {
  const holds = effectivePolicy(rules.rule.trafficPolicy, subsets?.subset.trafficPolicy, port);
  const held = effectivePolicy(rules.wider.trafficPolicy, subsets?.wider.trafficPolicy, port);
  const lost = POLICY_BLOCKS.filter((block) => held[block] !== undefined && holds[block] === undefined);
  if (lost.length === 0) return;
  const from = lost.map((block) => placeOfBlock(rules.wider, subsets?.wider, port, block)?.place.path ?? block);
  const message = `These settings replace all others for port ${port}, so there the default holds in place of ${from.join(', ')}; repeat what is meant for the port.`;
  report.add('port-settings-replace', object, message, { ...place, path: `${place.path}.${policyField(port)}` });
}
