import type { CompileReport } from '../compile-report.ts';
import { type BlockPlace } from '../clusters/policy-places.ts';
import { policiesInForce, type PolicyInForce } from '../clusters/policies-in-force.ts';
import type { EffectiveRule } from '../destination-rules/merge-destination-rules.ts';
import type { DiagnosticCode } from '../../config/index.ts';
import type { Service, ServiceEntry } from '../../model/index.ts';
import { carriesGrpc } from './analyze-services.ts';

/** What holds for the clusters of a Service, but may not be meant so: of blocks that hold nowhere nothing is said. */
export function analyzePolicies(entry: ServiceEntry, rule: EffectiveRule, report: CompileReport): void {
  const { service } = entry;
  const wholes = new Map<number, PolicyInForce>();
  for (const one of policiesInForce(entry, rule)) {
    if (one.subset === undefined) wholes.set(one.port.port, one);
    const add = (code: DiagnosticCode, at: BlockPlace | undefined, message: string): void => {
      if (at !== undefined) report.add(code, at.object, message, at.place);
    };
    reportPassthrough(one, service, add);
    reportPlaces(one, wholes.get(one.port.port), service, add);
    reportConnections(one, add);
  }
}

type Add = (code: DiagnosticCode, at: BlockPlace | undefined, message: string) => void;

/** The rule asks for what gRPC suffers from: the kernel balances connections. */
function reportPassthrough(one: PolicyInForce, service: Service, add: Add): void {
  const { port, endpoints, policy } = one;
  if (service.headless || policy.loadBalancer?.kind !== 'PASSTHROUGH') return;
  if (endpoints.length < 2 || !carriesGrpc(service, port)) return;
  const message = `PASSTHROUGH leaves the choice of a pod for port ${port.port} of Service ${service.namespace}/${service.name} to the kernel, so through Steelyard, too, all gRPC calls over one connection go to one pod; say LEAST_REQUEST.`;
  add('grpc-behind-cluster-ip', one.placeOf('loadBalancer', 'simple'), message);
}

/** @param whole what holds for the same port without a subset */
function reportPlaces(one: PolicyInForce, whole: PolicyInForce | undefined, service: Service, add: Add): void {
  const { locality, zoneAware, outlierDetection } = one.policy;
  const places = locality ?? zoneAware;
  if (turnsOnPlaces(one, service)) {
    const message =
      'Block outlierDetection also turns on locality failover, so calls stay in the caller’s zone; say so in localityLbSetting, or set its enabled to false.';
    // A loadBalancer of the subset that replaces one with a localityLbSetting is what turns it on.
    const takesOff = one.subset !== undefined && whole !== undefined && !turnsOnPlaces(whole, service);
    const isOfSubset = whole?.policy.outlierDetection !== outlierDetection;
    const block = takesOff && !isOfSubset ? 'loadBalancer' : 'outlierDetection';
    add('outlier-detection-turns-on-locality', one.placeOf(block), message);
  }
  const fails = (places?.failover.length ?? 0) + (places?.failoverPriority.length ?? 0) > 0;
  if (!fails || places?.enabled === false || outlierDetection !== undefined) return;
  const message =
    'Failover has no effect without outlierDetection: nobody would notice that a place is broken; add it.';
  const field = places === locality ? 'localityLbSetting' : 'zoneAwareLbSetting';
  add('failover-without-outlier-detection', one.placeOf('loadBalancer', field), message);
}

/** As nobody says where calls go first: neither the rule nor the Service. */
function turnsOnPlaces({ policy }: PolicyInForce, { trafficDistribution }: Service): boolean {
  const { loadBalancer, locality, zoneAware, outlierDetection } = policy;
  const says = (locality ?? zoneAware ?? trafficDistribution) !== undefined;
  return outlierDetection !== undefined && !says && loadBalancer?.kind !== 'PASSTHROUGH';
}

function reportConnections(one: PolicyInForce, add: Add): void {
  const { connectionPool, tls } = one.policy;
  if (connectionPool?.maxRequestsPerConnection === 1) {
    const message =
      'Field maxRequestsPerConnection is 1, so every call needs a connection of its own, which HTTP/2 is there to avoid; leave it out.';
    add('one-call-per-connection', one.placeOf('connectionPool', 'http.maxRequestsPerConnection'), message);
  }
  if (tls === undefined || tls === 'DISABLE' || tls.mode === 'ISTIO_MUTUAL') return;
  if (tls.caCertificates === undefined && tls.credentialName === undefined && !tls.insecureSkipVerify) {
    const message = `Mode ${tls.mode} has no caCertificates, so the certificate of a pod must be one that a public authority has signed, and with an older Istio any passes; name the authority.`;
    add('tls-without-ca', one.placeOf('tls'), message);
  }
}
