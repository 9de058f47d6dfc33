import type { Subset } from '../../config/index.ts';
import {
  type Cluster,
  DEFAULT_LOAD_BALANCER,
  type Endpoint,
  refOf,
  type Service,
  type ServiceEntry,
  type ServicePortEndpoints,
  usableEndpoints,
} from '../../model/index.ts';
import { type ClientIdentity, hasLabels } from '../client-identity.ts';
import { compileExtensions, type OwnedAnnotations } from './compile-extensions.ts';
import { compileLocalities } from './compile-localities.ts';
import { passThrough } from './pass-through.ts';
import { policyPlaces } from './policy-places.ts';
import type { CompileReport } from '../compile-report.ts';
import { effectivePolicy } from './effective-policy.ts';
import { reportUnknownPlace } from '../report-unknown-callers.ts';
import { isVisible } from '../export-to.ts';
import { serviceHost } from '../host-names.ts';
import type { EffectiveRule, EffectiveSubset } from '../destination-rules/merge-destination-rules.ts';
import type { DestinationRuleLookup } from '../destination-rules/select-destination-rule.ts';

/** Istio's name for a group of endpoints; xDS resources are called so. */
export function clusterName(host: string, port: number, subset: string): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** A cluster for every TCP port of every Service, and one more for each subset. */
export function compileClusters(
  services: ReadonlyMap<string, ServiceEntry>,
  clusterDomain: string,
  identity: ClientIdentity,
  lookup: DestinationRuleLookup,
  report: CompileReport,
): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>();
  for (const entry of services.values()) {
    const { service } = entry;
    // An alias has no endpoints; DNS answers with the other name.
    if (service.type === 'ExternalName') continue;
    if (!isVisible(service, identity)) {
      const message = `Annotation networking.istio.io/exportTo leaves out namespace ${identity.clientNamespace}, so its callers do not see the Service.`;
      report.add('not-exported', service, message);
      continue;
    }
    const host = serviceHost(service.namespace, service.name, clusterDomain);
    const rule = lookup.find(host, service.namespace);
    // gRPC runs over TCP; other ports are the Service path's.
    const ports = entry.ports.filter(({ port }) => port.protocol === 'TCP');
    for (const port of ports) {
      const whole = compileCluster(service, host, port, identity, rule, report);
      clusters.set(whole.name, whole);
      for (const subset of rule?.subsets ?? []) {
        const part = compileCluster(service, host, port, identity, rule, report, subset);
        clusters.set(part.name, part);
      }
    }
    for (const subset of rule?.subsets ?? []) reportEmptySubset(subset, host, ports, report);
    reportUnknownPlace(entry, rule, identity, report);
  }
  return clusters;
}

/** Holds no endpoint: its share of the calls fails, as Istio answers 503 for a cluster it does not know. */
export function emptyCluster(host: string, port: number, subset: string): Cluster {
  const name = clusterName(host, port, subset);
  return { name, host, port, subset, loadBalancer: DEFAULT_LOAD_BALANCER, endpoints: [] };
}

function compileCluster(
  service: Service,
  host: string,
  { port, endpoints: all }: ServicePortEndpoints,
  identity: ClientIdentity,
  rule: EffectiveRule | undefined,
  report: CompileReport,
  subset?: EffectiveSubset,
): Cluster {
  const name = clusterName(host, port.port, subset?.name ?? '');
  const policy = effectivePolicy(rule?.trafficPolicy, subset?.trafficPolicy, port.port);
  const reachable = all.filter((one) => isReachable(service, one, identity));
  // Readiness is judged within the subset: it is a cluster of its own.
  const endpoints = usableEndpoints(
    subset === undefined ? reachable : reachable.filter((one) => isSelected(subset, one)),
  );
  const { connectionPool, outlierDetection, retryBudget, warmup, tls } = policy;
  const places = policyPlaces(rule, subset, port.port);
  const balancing = compileExtensions(rule?.annotations ?? [], ownAnnotations(service), policy);
  const cluster: Cluster = {
    name,
    host,
    port: port.port,
    subset: subset?.name ?? '',
    ...balancing,
    endpoints,
    ...compileLocalities(endpoints, { ...policy, loadBalancer: balancing.loadBalancer }, service, identity),
    ...(connectionPool !== undefined && { connectionPool }),
    ...(outlierDetection !== undefined && { outlierDetection }),
    ...(retryBudget !== undefined && { retryBudget }),
    ...(warmup !== undefined && { warmup }),
    ...(tls !== undefined && { tls }),
    ...(rule !== undefined && { destinationRule: rule.ref }),
    ...(places !== undefined && { policyAt: places }),
  };
  return rule === undefined ? cluster : passThrough(cluster, service, rule, subset, report);
}

function ownAnnotations(service: Service): OwnedAnnotations | undefined {
  return service.annotations && { object: refOf(service), settings: service.annotations };
}

/** `internalTrafficPolicy: Local` leaves the endpoints of the callers' own Node (KEP-2086), and no others. */
function isReachable(service: Service, endpoint: Endpoint, { clientNode }: ClientIdentity): boolean {
  return service.internalTrafficPolicy !== 'Local' || clientNode === undefined || endpoint.nodeName === clientNode;
}

/** Every label of the subset must be on the Pod; no label selects every Pod. */
function isSelected(subset: Subset, endpoint: Endpoint): boolean {
  return hasLabels(endpoint.labels, subset.labels);
}

function reportEmptySubset(
  subset: EffectiveSubset,
  host: string,
  ports: readonly ServicePortEndpoints[],
  report: CompileReport,
): void {
  const endpoints = ports.flatMap((port) => port.endpoints);
  if (endpoints.some((endpoint) => isSelected(subset, endpoint))) return;
  const labels = Object.entries(subset.labels).map(([key, value]) => `${key}=${value}`);
  const unlabelled = endpoints.filter((endpoint) => endpoint.labels === undefined).length;
  const why =
    endpoints.length === 0
      ? 'the Service has no endpoints'
      : unlabelled > 0
        ? `the Pod objects of ${unlabelled} of its ${endpoints.length} endpoints are missing, and labels stand there; add them`
        : `no Pod of its ${endpoints.length} endpoints has the labels ${labels.join(', ')}`;
  const message = `Subset "${subset.name}" of ${host} selects nothing: ${why}.`;
  report.add('subset-selects-nothing', subset.rule, message, subset.place);
}
