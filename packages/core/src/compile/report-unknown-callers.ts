import type { HttpMatch, LocalityPolicy, VirtualService } from '../config/index.ts';
import type { Service, ServiceEntry } from '../model/index.ts';
import type { ClientIdentity } from './client-identity.ts';
import { groupByPlace, labelsOfClient } from './clusters/places.ts';
import { policiesInForce, type PolicyInForce } from './clusters/policies-in-force.ts';
import type { BlockPlace } from './clusters/policy-places.ts';
import type { CompileReport } from './compile-report.ts';
import type { EffectiveRule } from './destination-rules/merge-destination-rules.ts';

const SAY_PLACE = 'say --locality or --node-name';

/** Says of a Service, or of the DestinationRules for it, that it goes by what nobody told of the callers. */
export function reportUnknownPlace(
  entry: ServiceEntry,
  rule: EffectiveRule | undefined,
  identity: ClientIdentity,
  report: CompileReport,
): void {
  const { service } = entry;
  const { internalTrafficPolicy, trafficDistribution } = service;
  const { clientLocality, clientNode } = identity;
  if (internalTrafficPolicy !== undefined && clientNode === undefined) {
    const message =
      'Field internalTrafficPolicy is Local, but the node of the callers is not known, so calls go to all nodes; say --node-name.';
    report.add('callers-unknown', service, message, fieldOf(service, 'internalTrafficPolicy'));
  }
  const policies = rule === undefined ? [] : policiesInForce(entry, rule);
  for (const one of policies) reportPolicy(one, service, identity, report);
  if (trafficDistribution === undefined || clientLocality !== undefined) return;
  if (rule !== undefined && !policies.some(({ policy }) => (policy.locality ?? policy.zoneAware) === undefined)) return;
  if (trafficDistribution === 'PreferSameNode' && clientNode !== undefined) return;
  const message = `Field trafficDistribution is ${trafficDistribution}, but the place of the callers is not known, so calls go to all endpoints alike; ${SAY_PLACE}.`;
  report.add('callers-unknown', service, message, fieldOf(service, 'trafficDistribution'));
}

function fieldOf({ position }: Service, field: string): BlockPlace['place'] {
  return { path: `spec.${field}`, ...(position !== undefined && { position }) };
}

function reportPolicy(
  one: PolicyInForce,
  { trafficDistribution }: Service,
  identity: ClientIdentity,
  report: CompileReport,
): void {
  const { locality, zoneAware, loadBalancer, outlierDetection } = one.policy;
  // It goes to where the caller means, near or far.
  if (loadBalancer?.kind === 'PASSTHROUGH') return;
  const add = (at: BlockPlace | undefined, message: string): void => {
    if (at !== undefined) report.add('callers-unknown', at.object, message, at.place);
  };
  const places = locality ?? zoneAware;
  if (places !== undefined) {
    if (!places.enabled) return;
    const block = places === locality ? 'localityLbSetting' : 'zoneAwareLbSetting';
    if (identity.clientLocality === undefined && goesByPlace(locality)) {
      add(
        one.placeOf('loadBalancer'),
        `Block ${block} goes by the place of the callers, which is not known, so no endpoint is near; ${SAY_PLACE}.`,
      );
      return;
    }
    // Nobody ranks by labels where nobody would notice that an endpoint is broken.
    const ranks = locality === undefined || (locality.distribute.length === 0 && outlierDetection !== undefined);
    const unknown = ranks ? unknownLabels(places.failoverPriority, identity) : undefined;
    if (unknown === undefined) return;
    const message = `Field failoverPriority goes by ${unknown.what} of the callers, not known here, so no endpoint is near by it; say ${unknown.say}.`;
    add(one.placeOf('loadBalancer', `${block}.failoverPriority`), message);
    return;
  }
  const prefers = outlierDetection !== undefined && trafficDistribution === undefined;
  if (!prefers || identity.clientLocality !== undefined || groupByPlace(one.endpoints, '').length < 2) return;
  const message = `Block outlierDetection also asks for endpoints near the callers, whose place is not known, so calls go to all alike; ${SAY_PLACE}, or set enabled of localityLbSetting to false.`;
  add(one.placeOf('outlierDetection'), message);
}

/** But for labels alone, and for weights that are the same from everywhere. */
function goesByPlace(locality: LocalityPolicy | undefined): boolean {
  if (locality === undefined) return true;
  const { distribute, failover, failoverPriority } = locality;
  if (distribute.length > 0) return distribute.every(({ from }) => !from.startsWith('*'));
  return failoverPriority.length === 0 || failover.length > 0;
}

const NODE_LABEL = 'kubernetes.io/hostname';
const PLACE_LABEL = /^topology\.(?:kubernetes\.io\/(?:region|zone)|istio\.io\/subzone)$/;

/** What of the callers the labels are compared with, and nobody told. */
function unknownLabels(
  wanted: readonly string[],
  identity: ClientIdentity,
): { readonly what: string; readonly say: string } | undefined {
  if (wanted.length === 0) return undefined;
  const { clientLocality, clientNode, clientLabels } = identity;
  const known = labelsOfClient(identity);
  // A label with a value is compared with that, but nothing is for callers of whom nothing is known.
  const asked = wanted.filter((label) => !label.includes('=') && !Object.hasOwn(known, label));
  const ofPlace = clientLocality === undefined && asked.some((label) => PLACE_LABEL.test(label));
  const ofNode = clientNode === undefined && asked.includes(NODE_LABEL);
  const others = asked.some((label) => !PLACE_LABEL.test(label) && label !== NODE_LABEL);
  const nothing = Object.keys(known).length === 0 && !ofPlace && !ofNode;
  const ofLabels = Object.keys(clientLabels).length === 0 && (others || nothing);
  const parts = [
    ...(ofPlace ? [['the place', '--locality or --node-name']] : []),
    ...(ofNode ? [['the node', '--node-name']] : []),
    ...(ofLabels ? [['the labels', '--labels']] : []),
  ];
  if (parts.length === 0) return undefined;
  return { what: parts.map(([what]) => what).join(' and '), say: parts.map(([, say]) => say).join(', and ') };
}

/** Says of a match with `sourceLabels` that nobody told the labels. */
export function reportUnknownLabels(
  match: HttpMatch,
  owner: VirtualService,
  { clientLabels }: ClientIdentity,
  report: CompileReport,
): void {
  const isAsked = Object.keys(match.sourceLabels).length > 0 && match.gateways.length === 0;
  if (!isAsked || Object.keys(clientLabels).length > 0) return;
  const message =
    'Field sourceLabels goes by the labels of the callers, which are not known, so it takes no call; say --labels.';
  report.add('callers-unknown', owner, message, match.place);
}
