import type { HttpMatch, VirtualService } from '../config/index.ts';
import type { Service } from '../model/index.ts';
import type { ClientIdentity } from './client-identity.ts';
import type { CompileReport } from './compile-report.ts';
import type { EffectiveRule } from './destination-rules/merge-destination-rules.ts';

/** Says of a Service, or of the DestinationRule for it, that it goes by a place that nobody told. */
export function reportUnknownPlace(
  service: Service,
  rule: EffectiveRule | undefined,
  { clientLocality, clientNode }: ClientIdentity,
  report: CompileReport,
): void {
  const { internalTrafficPolicy, trafficDistribution } = service;
  if (internalTrafficPolicy !== undefined && clientNode === undefined) {
    const message =
      'Field internalTrafficPolicy is Local, but the node of the callers is not known, so calls go to all nodes; say --node-name.';
    report.add('callers-unknown', service, message);
  }
  const policy = rule?.policyOf;
  const settings = [policy?.trafficPolicy, ...(policy?.trafficPolicy?.ports?.values() ?? [])];
  if (clientLocality !== undefined) return;
  if (settings.some((one) => one?.locality?.enabled === true && one.locality.failoverPriority.length === 0)) {
    const message =
      'Block localityLbSetting goes by the place of the callers, which is not known, so no endpoint is near; say --locality or --node-name.';
    if (policy !== undefined) report.add('callers-unknown', policy, message);
  } else if (settings.some((one) => one?.zoneAware?.enabled === true)) {
    const message =
      'Block zoneAwareLbSetting goes by the place of the callers, which is not known, so no endpoint is near; say --locality or --node-name.';
    if (policy !== undefined) report.add('callers-unknown', policy, message);
  } else if (
    trafficDistribution !== undefined &&
    settings.every((one) => (one?.locality ?? one?.zoneAware) === undefined)
  ) {
    if (trafficDistribution === 'PreferSameNode' && clientNode !== undefined) return;
    const message = `Field trafficDistribution is ${trafficDistribution}, but the place of the callers is not known, so calls go to all endpoints alike; say --locality or --node-name.`;
    report.add('callers-unknown', service, message);
  }
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
