import type { DestinationRule, FieldPlace, TrafficPolicySettings } from '../../config/index.ts';
import type { ServiceEntry } from '../../model/index.ts';
import type { CompileReport } from '../compile-report.ts';
import { resolveHost } from '../host-names.ts';
import { carriesGrpc } from './analyze-services.ts';

/** Policies with an effect that their author may not expect. */
export function analyzeDestinationRules(
  rules: readonly DestinationRule[],
  byHost: ReadonlyMap<string, ServiceEntry>,
  clusterDomain: string,
  report: CompileReport,
): void {
  for (const rule of rules) {
    const entry = byHost.get(resolveHost(rule.host.host, rule.namespace, clusterDomain));
    reportHeadless(rule, entry, report);
    reportPassthrough(rule, entry, report);
    const { trafficPolicy, subsets } = rule;
    analyzePolicy(rule, trafficPolicy, 'spec.trafficPolicy', undefined, report);
    for (const [port, settings] of trafficPolicy?.ports ?? []) {
      analyzePolicy(rule, settings, `spec.trafficPolicy.portLevelSettings[port ${port}]`, undefined, report);
    }
    for (const subset of subsets) {
      analyzePolicy(rule, subset.trafficPolicy, `${subset.place.path}.trafficPolicy`, subset.place, report);
    }
  }
}

/** What callers that take addresses from DNS get nothing of; Istio's sidecars neither (istio #50967). */
function reportHeadless(rule: DestinationRule, entry: ServiceEntry | undefined, report: CompileReport): void {
  const policy = rule.trafficPolicy?.loadBalancer;
  // PASSTHROUGH is just what such callers do.
  const says = rule.subsets.length > 0 || (policy !== undefined && policy.kind !== 'PASSTHROUGH');
  if (entry?.service.headless !== true || !says) return;
  const { namespace, name } = entry.service;
  const message = `Service ${namespace}/${name} is headless: callers that take its addresses from DNS get nothing of this rule's policy and subsets, nor do those behind Istio's sidecars; send them through Steelyard, or use @steelyard/grpc-js.`;
  report.add('headless-policy-bypassed', rule, message, rule.host.place);
}

/** The rule asks for what gRPC suffers from: the kernel balances connections. */
function reportPassthrough(rule: DestinationRule, entry: ServiceEntry | undefined, report: CompileReport): void {
  const { trafficPolicy: policy, position } = rule;
  if (entry === undefined || entry.service.headless || policy === undefined) return;
  const { service, ports } = entry;
  for (const { port, endpoints } of ports) {
    const ofPort = policy.ports?.get(port.port);
    const passes = (ofPort ?? policy).loadBalancer?.kind === 'PASSTHROUGH';
    if (!passes || endpoints.length < 2 || !carriesGrpc(service, port)) continue;
    const block = ofPort === undefined ? '' : `portLevelSettings[port ${port.port}].`;
    const path = `spec.trafficPolicy.${block}loadBalancer.simple`;
    const message = `PASSTHROUGH leaves the choice of a pod for port ${port.port} of Service ${service.namespace}/${service.name} to the kernel, so through Steelyard, too, all gRPC calls over one connection go to one pod; say LEAST_REQUEST.`;
    report.add('grpc-behind-cluster-ip', rule, message, { path, ...(position !== undefined && { position }) });
  }
}

function analyzePolicy(
  rule: DestinationRule,
  policy: TrafficPolicySettings | undefined,
  path: string,
  near: FieldPlace | undefined,
  report: CompileReport,
): void {
  if (policy === undefined) return;
  const position = near?.position ?? rule.position;
  const place = (field: string): FieldPlace => ({
    path: `${path}.${field}`,
    ...(position !== undefined && { position }),
  });
  const { loadBalancer, outlierDetection, locality, zoneAware, tls, connectionPool } = policy;
  if (connectionPool?.maxRequestsPerConnection === 1) {
    const message =
      'Field maxRequestsPerConnection is 1, so every call needs a connection of its own, which HTTP/2 is there to avoid; leave it out.';
    report.add('one-call-per-connection', rule, message, place('connectionPool.http.maxRequestsPerConnection'));
  }
  const chooses = loadBalancer?.kind !== 'PASSTHROUGH';
  if (outlierDetection !== undefined && (locality ?? zoneAware) === undefined && chooses) {
    const message =
      'Block outlierDetection also turns on locality failover, so calls stay in the caller’s zone; say so in localityLbSetting, or set its enabled to false.';
    report.add('outlier-detection-turns-on-locality', rule, message, place('outlierDetection'));
  }
  const places = locality ?? zoneAware;
  const fails = (places?.failover.length ?? 0) + (places?.failoverPriority.length ?? 0) > 0;
  if (fails && places?.enabled !== false && outlierDetection === undefined) {
    const message =
      'Failover has no effect without outlierDetection: nobody would notice that a place is broken; add it.';
    report.add(
      'failover-without-outlier-detection',
      rule,
      message,
      place(`loadBalancer.${places === locality ? 'localityLbSetting' : 'zoneAwareLbSetting'}`),
    );
  }
  if (tls === undefined || tls === 'DISABLE' || tls.mode === 'ISTIO_MUTUAL') return;
  if (tls.caCertificates === undefined && tls.credentialName === undefined && !tls.insecureSkipVerify) {
    const message = `Mode ${tls.mode} has no caCertificates, so the certificate of a pod must be one that a public authority has signed, and with an older Istio any passes; name the authority.`;
    report.add('tls-without-ca', rule, message, place('tls'));
  }
}
