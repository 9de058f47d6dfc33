import type { Cluster, Endpoint, Service } from '../../model/index.ts';
import type { FieldPlace } from '../../config/index.ts';
import type { CompileReport } from '../compile-report.ts';
import type { EffectiveRule, EffectiveSubset } from '../destination-rules/merge-destination-rules.ts';

/**
 * What `PASSTHROUGH` makes of a cluster. Its calls go to the address that their caller had dialled: that of the Service, where
 * the kernel's rules choose a pod for each connection. Only of a Service without one do callers know the pods' addresses.
 * As in Envoy's cluster of type ORIGINAL_DST nothing chooses: there are no places, no newcomers and nobody is ejected.
 */
export function passThrough(
  cluster: Cluster,
  service: Service,
  rule: EffectiveRule,
  subset: EffectiveSubset | undefined,
  report: CompileReport,
): Cluster {
  if (cluster.loadBalancer.kind !== 'PASSTHROUGH' || cluster.extensions?.policy !== undefined) return cluster;
  const { name, host, port, loadBalancer, endpoints, connectionPool, retryBudget, tls } = cluster;
  const { destinationRule, policyAt } = cluster;
  const [address] = service.clusterIps;
  reportPassThrough(cluster, service, rule, subset, report);
  return {
    name,
    host,
    port,
    subset: cluster.subset,
    loadBalancer,
    ...(address === undefined ? { endpoints } : { endpoints: [endpointOf(address, port)], toServiceAddress: true }),
    ...(connectionPool !== undefined && { connectionPool }),
    ...(retryBudget !== undefined && { retryBudget }),
    ...(tls !== undefined && { tls }),
    ...(destinationRule !== undefined && { destinationRule }),
    ...(policyAt !== undefined && { policyAt }),
  };
}

/** Whether there is a pod is the kernel's to say, too. */
const READY = { ready: true, serving: true, terminating: false } as const;

function endpointOf(address: string, port: number): Endpoint {
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4', conditions: READY, isService: true };
}

function reportPassThrough(
  { host, port, localities, outlierDetection, extensions }: Cluster,
  service: Service,
  rule: EffectiveRule,
  subset: EffectiveSubset | undefined,
  report: CompileReport,
): void {
  const { object, place } = saidBy(rule, subset, port);
  const hasAddress = service.clusterIps.length > 0;
  const idle = [
    localities === undefined ? '' : 'locality',
    outlierDetection === undefined ? '' : 'outlierDetection',
    extensions === undefined ? '' : 'what annotations ask for',
    subset === undefined || !hasAddress ? '' : `the labels of subset "${subset.name}"`,
  ].filter((part) => part !== '');
  if (idle.length > 0) {
    const message = `With PASSTHROUGH nothing chooses among the endpoints of ${host}, so this has no effect: ${idle.join(', ')}.`;
    report.add('field-without-effect', object, message, place);
  }
  if (hasAddress) return;
  const message = `Field simple is PASSTHROUGH and ${host} has no cluster address: a call goes to the pod that its :authority names by address or hostname; which one the others have resolved is not known, so LEAST_REQUEST holds for them.`;
  report.add('field-not-honoured', object, message, place);
}

function saidBy(
  rule: EffectiveRule,
  subset: EffectiveSubset | undefined,
  port: number,
): { readonly object: Parameters<CompileReport['add']>[1]; readonly place?: FieldPlace } {
  if (subset !== undefined) return { object: subset.rule, place: subset.place };
  const { policyOf } = rule;
  if (policyOf === undefined) return { object: rule.ref };
  const { position, trafficPolicy } = policyOf;
  const ofPort = trafficPolicy?.ports?.has(port) === true ? `portLevelSettings[port ${port}].` : '';
  const path = `spec.trafficPolicy.${ofPort}loadBalancer.simple`;
  return { object: policyOf, place: { path, ...(position !== undefined && { position }) } };
}
