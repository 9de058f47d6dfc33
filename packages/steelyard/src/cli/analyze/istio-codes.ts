import type { DiagnosticCode } from '@steelyard/core/config';

/** What `istioctl analyze` calls a finding, by the codes that it has here (docs/istio-compatibility.md). */
export const ISTIO_CODES: ReadonlyMap<string, readonly DiagnosticCode[]> = new Map<string, readonly DiagnosticCode[]>([
  ['IST0002', ['deprecated-field']],
  ['IST0101', ['destination-unknown-host', 'destination-unknown-subset', 'delegate-unknown', 'host-unknown']],
  ['IST0106', ['missing-field', 'wrong-type', 'invalid-value']],
  ['IST0107', ['annotation-unknown']],
  ['IST0108', ['annotation-unknown']],
  ['IST0109', ['virtual-service-conflict']],
  ['IST0112', ['destination-port-open']],
  ['IST0116', ['pod-port-disagreement']],
  ['IST0118', ['port-protocol-unclear']],
  ['IST0122', ['invalid-value']],
  ['IST0127', ['workload-selector', 'port-without-endpoints']],
  ['IST0128', ['tls-without-ca']],
  ['IST0129', ['tls-without-ca']],
  ['IST0130', ['rule-unreachable']],
  ['IST0131', ['match-ineffective']],
  ['IST0133', ['unknown-field']],
  ['IST0137', ['pod-port-disagreement']],
  ['IST0150', ['external-name-port']],
  ['IST0173', ['subset-selects-nothing']],
  ['IST0174', ['host-unknown']],
]);
