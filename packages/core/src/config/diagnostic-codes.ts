import type { Severity } from '../model/index.ts';

/** One row of `docs/diagnostics.md`. */
export interface DiagnosticKind {
  readonly severity: Severity;
  /** One sentence for the documentation: what it means and what follows from it. */
  readonly meaning: string;
}

export type DiagnosticCode =
  | 'source-unreadable'
  | 'syntax-error'
  | 'syntax-warning'
  | 'not-an-object'
  | 'unsupported-version'
  | 'kind-misspelt'
  | 'unknown-kind'
  | 'kind-not-honoured'
  | 'missing-field'
  | 'wrong-type'
  | 'invalid-value'
  | 'duplicate-object'
  | 'unknown-field'
  | 'field-not-honoured'
  | 'field-without-effect'
  | 'rule-not-served'
  | 'rule-unreachable'
  | 'workload-selector'
  | 'fqdn-slice'
  | 'slice-port-without-number'
  | 'slice-without-service'
  | 'port-without-endpoints'
  | 'external-name'
  | 'not-in-mesh'
  | 'not-exported'
  | 'host-not-expanded'
  | 'host-unknown'
  | 'virtual-service-conflict'
  | 'destination-unknown-host'
  | 'destination-unknown-subset'
  | 'destination-unknown-port'
  | 'delegate-unknown'
  | 'delegate-conflict'
  | 'delegate-unused'
  | 'destination-rules-merged'
  | 'destination-rule-shadowed'
  | 'destination-rule-out-of-reach'
  | 'subset-shadowed'
  | 'subset-selects-nothing'
  | 'deprecated-field'
  | 'callers-unknown'
  | 'annotation-unknown'
  | 'annotation-invalid'
  | AnalyzeCode;

/** Found by `steelyard analyze` only: what is served as it says, but probably not meant so. */
export type AnalyzeCode =
  | 'port-protocol-unclear'
  | 'grpc-behind-cluster-ip'
  | 'headless-port-differs'
  | 'headless-policy-bypassed'
  | 'pod-port-disagreement'
  | 'external-name-port'
  | 'one-call-per-connection'
  | 'port-settings-unused'
  | 'port-settings-replace'
  | 'match-ineffective'
  | 'destination-port-open'
  | 'fault-never-fires'
  | 'outlier-detection-turns-on-locality'
  | 'failover-without-outlier-detection'
  | 'tls-without-ca'
  | 'way-cannot-honour';

/** Every code Steelyard can report. Codes are stable: they are renamed never, removed only with a major version. */
export const DIAGNOSTIC_KINDS: Readonly<Record<DiagnosticCode, DiagnosticKind>> = {
  'source-unreadable': {
    severity: 'error',
    meaning: 'A file or folder could not be read; what it said last stays in force.',
  },
  'syntax-error': {
    severity: 'error',
    meaning: 'A document is not valid YAML or JSON, or names a key twice; only this document is lost.',
  },
  'syntax-warning': {
    severity: 'warning',
    meaning: 'A document is readable, but the YAML parser has a doubt about it.',
  },
  'not-an-object': {
    severity: 'error',
    meaning: 'A document is not a Kubernetes object: it is no mapping, or lacks `apiVersion` or `kind`.',
  },
  'unsupported-version': {
    severity: 'error',
    meaning: 'The kind is known, but not under this `apiVersion`; the object is not used.',
  },
  'kind-misspelt': {
    severity: 'error',
    meaning: 'The `kind` or `apiVersion` is nearly one that is read; what the object said last stays in force.',
  },
  'unknown-kind': {
    severity: 'info',
    meaning: 'Steelyard does not read objects of this kind.',
  },
  'kind-not-honoured': {
    severity: 'warning',
    meaning: 'Objects of this kind shape traffic in a cluster, but Steelyard does not honour them yet.',
  },
  'missing-field': {
    severity: 'error',
    meaning: 'A required field is absent; the object is not used and its last good version stays.',
  },
  'wrong-type': {
    severity: 'error',
    meaning: 'A field has another type than its schema says; the object is not used and its last good version stays.',
  },
  'invalid-value': {
    severity: 'error',
    meaning:
      'A field has the right type but not an allowed value; the object is not used and its last good version stays.',
  },
  'duplicate-object': {
    severity: 'error',
    meaning: 'Two objects have the same kind, namespace and name; the first one read holds.',
  },
  'unknown-field': {
    severity: 'warning',
    meaning: 'A field is not in the schema of its kind, often a misspelling; it has no effect.',
  },
  'field-not-honoured': {
    severity: 'warning',
    meaning: 'A field means something to a cluster or to Istio that Steelyard does not honour yet.',
  },
  'field-without-effect': {
    severity: 'info',
    meaning: 'A field is valid but does not concern gRPC calls.',
  },
  'rule-not-served': {
    severity: 'warning',
    meaning:
      'A match of an HTTP rule can never hold here, as it needs what only an ingress gateway knows; it is left out.',
  },
  'rule-unreachable': {
    severity: 'warning',
    meaning: 'An HTTP rule stands behind one that takes every call, and is never reached.',
  },
  'workload-selector': {
    severity: 'info',
    meaning: 'A DestinationRule is meant for certain client workloads, and the callers here are not among them.',
  },
  'fqdn-slice': {
    severity: 'warning',
    meaning: 'An EndpointSlice of addressType FQDN holds names instead of addresses; it is not used, as in kube-proxy.',
  },
  'slice-port-without-number': {
    severity: 'warning',
    meaning: 'A port of an EndpointSlice has no number; it is skipped, as in kube-proxy.',
  },
  'slice-without-service': {
    severity: 'warning',
    meaning: 'An EndpointSlice belongs to no known Service; its endpoints are not used.',
  },
  'port-without-endpoints': {
    severity: 'warning',
    meaning: 'No endpoint that takes new calls stands behind a Service port; calls to it fail.',
  },
  'external-name': {
    severity: 'info',
    meaning: 'A Service of type ExternalName is only a DNS alias; it is not balanced.',
  },
  'not-in-mesh': {
    severity: 'warning',
    meaning: 'A VirtualService lists gateways without `mesh`, so it does not apply to calls inside the cluster.',
  },
  'not-exported': {
    severity: 'info',
    meaning: "An object's `exportTo` leaves out the namespace of the callers; it does not apply to them.",
  },
  'host-not-expanded': {
    severity: 'error',
    meaning: 'A host is written `name.namespace`: only names without a dot are expanded, so it names no Service.',
  },
  'host-unknown': {
    severity: 'warning',
    meaning:
      'The host of a VirtualService or DestinationRule is no known Service; it decides about none of the calls to Services.',
  },
  'virtual-service-conflict': {
    severity: 'error',
    meaning:
      'Two VirtualServices have rules for the same host, port and callers; the older one holds (then by name, then by namespace).',
  },
  'destination-unknown-host': {
    severity: 'error',
    meaning: "A route's destination is no known Service; its share of the calls fails, it does not move elsewhere.",
  },
  'destination-unknown-subset': {
    severity: 'error',
    meaning: "A route's destination names a subset that no DestinationRule defines; its share of the calls fails.",
  },
  'destination-unknown-port': {
    severity: 'error',
    meaning: "A route's destination Service has no such TCP port; its share of the calls fails.",
  },
  'delegate-unknown': {
    severity: 'error',
    meaning: 'A VirtualService delegates to one that is not there, has hosts of its own, or is not exported to it.',
  },
  'delegate-conflict': {
    severity: 'warning',
    meaning: 'A rule that is delegated to matches nothing of what is delegated; it is left out.',
  },
  'delegate-unused': {
    severity: 'warning',
    meaning: 'A VirtualService has no hosts, and none delegates to it; its rules take no call.',
  },
  'destination-rules-merged': {
    severity: 'info',
    meaning: 'Two DestinationRules of one namespace have the same host and were merged as Istio merges them.',
  },
  'destination-rule-shadowed': {
    severity: 'warning',
    meaning: 'A DestinationRule, or its traffic policy, is not used because another one takes precedence for its host.',
  },
  'destination-rule-out-of-reach': {
    severity: 'warning',
    meaning:
      "A DestinationRule stands neither in its callers' namespace nor in its Service's nor in the root one; nobody looks there.",
  },
  'subset-shadowed': {
    severity: 'warning',
    meaning: 'A subset name occurs in two merged DestinationRules; the older definition holds.',
  },
  'subset-selects-nothing': {
    severity: 'warning',
    meaning: 'No endpoint has the labels of a subset; calls routed to the subset fail.',
  },
  'deprecated-field': {
    severity: 'info',
    meaning: 'A field or word still works, but Istio has another one for it.',
  },
  'callers-unknown': {
    severity: 'warning',
    meaning:
      'An object goes by the labels, the place or the node of the callers, and Steelyard was not told; say `--labels`, `--locality` or `--node-name`.',
  },
  'annotation-unknown': {
    severity: 'warning',
    meaning: 'There is no annotation of this name under `steelyard.dev/`, or not for this kind; it has no effect.',
  },
  'annotation-invalid': {
    severity: 'warning',
    meaning: 'An annotation under `steelyard.dev/` says what cannot be; it has no effect, all else of the object has.',
  },
  'port-protocol-unclear': {
    severity: 'info',
    meaning: 'A TCP port of a Service does not say its protocol, by name or `appProtocol`; a mesh has to guess it.',
  },
  'grpc-behind-cluster-ip': {
    severity: 'info',
    meaning: "A gRPC port stands behind a cluster address: without a proxy, one pod gets all of a caller's calls.",
  },
  'headless-port-differs': {
    severity: 'warning',
    meaning:
      'A headless Service has another port than its pods; callers that ask DNS dial a port where nothing listens.',
  },
  'headless-policy-bypassed': {
    severity: 'info',
    meaning: 'A DestinationRule is for a headless Service: callers that take its addresses from DNS get nothing of it.',
  },
  'pod-port-disagreement': {
    severity: 'warning',
    meaning: 'Two Services say that one port of one Pod carries different protocols.',
  },
  'external-name-port': {
    severity: 'warning',
    meaning: 'A port of a Service of type ExternalName does not say its protocol, or says TCP; a mesh takes all of it.',
  },
  'one-call-per-connection': {
    severity: 'warning',
    meaning: 'maxRequestsPerConnection is 1: every call needs a connection of its own.',
  },
  'port-settings-unused': {
    severity: 'warning',
    meaning: 'An entry of portLevelSettings is for a port that the Service does not have; it has no effect.',
  },
  'port-settings-replace': {
    severity: 'warning',
    meaning:
      'An entry of portLevelSettings leaves out what the policy around it says; for its port the default holds instead.',
  },
  'match-ineffective': {
    severity: 'warning',
    meaning: 'A match of an HTTP rule takes no call, as an earlier match takes all of them.',
  },
  'destination-port-open': {
    severity: 'warning',
    meaning: 'A destination names no port, and its Service has several; the one that the caller dialled is used.',
  },
  'fault-never-fires': {
    severity: 'warning',
    meaning: 'A fault has no percentage, or one of 0; no call is delayed or aborted.',
  },
  'outlier-detection-turns-on-locality': {
    severity: 'info',
    meaning: 'outlierDetection without localityLbSetting also keeps calls in the zone of their caller.',
  },
  'failover-without-outlier-detection': {
    severity: 'warning',
    meaning: 'A failover setting has no effect, as no outlierDetection notices that a place is broken.',
  },
  'tls-without-ca': {
    severity: 'warning',
    meaning:
      'A TLS setting names no certificate authority: the public ones hold, and with an older Istio nobody looks.',
  },
  'way-cannot-honour': {
    severity: 'warning',
    meaning: 'An object says something that calls on the way asked about (`--way`) get nothing of.',
  },
};
