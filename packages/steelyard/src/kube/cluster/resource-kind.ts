/** What is read from the API server, in kubectl's spelling. */
export type ClusterKind =
  | 'Service'
  | 'EndpointSlice'
  | 'Namespace'
  | 'Pod'
  | 'Node'
  | 'ServiceCIDR'
  | 'VirtualService'
  | 'DestinationRule';

/** How the API server serves a kind. */
export interface ResourceKind {
  readonly kind: ClusterKind;
  readonly group: string;
  readonly plural: string;
  /** The best first: the next is asked for where the API server does not serve one. */
  readonly versions: readonly string[];
  /** Nothing works without it. The others are extensions: not installed, or not to be read, is as good as none there. */
  readonly required: boolean;
  /**
   * Only `metadata` is of use, so only that is sent (`PartialObjectMetadata`, apimachinery meta/v1): a Pod's labels are
   * a hundredth of a Pod.
   */
  readonly metadataOnly: boolean;
}

const ISTIO = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'], required: false } as const;

export const RESOURCE_KINDS: Readonly<Record<ClusterKind, ResourceKind>> = {
  Service: { kind: 'Service', group: '', plural: 'services', versions: ['v1'], required: true, metadataOnly: false },
  EndpointSlice: {
    kind: 'EndpointSlice',
    group: 'discovery.k8s.io',
    plural: 'endpointslices',
    versions: ['v1'],
    required: true,
    metadataOnly: false,
  },
  Namespace: {
    kind: 'Namespace',
    group: '',
    plural: 'namespaces',
    versions: ['v1'],
    required: false,
    metadataOnly: true,
  },
  Pod: { kind: 'Pod', group: '', plural: 'pods', versions: ['v1'], required: false, metadataOnly: true },
  Node: { kind: 'Node', group: '', plural: 'nodes', versions: ['v1'], required: false, metadataOnly: false },
  ServiceCIDR: {
    kind: 'ServiceCIDR',
    group: 'networking.k8s.io',
    plural: 'servicecidrs',
    versions: ['v1', 'v1beta1'],
    required: false,
    metadataOnly: false,
  },
  VirtualService: { kind: 'VirtualService', plural: 'virtualservices', metadataOnly: false, ...ISTIO },
  DestinationRule: { kind: 'DestinationRule', plural: 'destinationrules', metadataOnly: false, ...ISTIO },
};

/** `services` or `virtualservices.networking.istio.io`: as RBAC rules and kubectl name it. */
export function resourceName({ group, plural }: ResourceKind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function apiVersionOf({ group }: ResourceKind, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Of all namespaces. */
export function resourcePath(resource: ResourceKind, version: string): string {
  return `${resource.group === '' ? '/api' : '/apis'}/${apiVersionOf(resource, version)}/${resource.plural}`;
}
