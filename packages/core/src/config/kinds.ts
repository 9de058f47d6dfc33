import type { ConfigObject } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import type { Metadata } from './metadata.ts';
import { type NamedKind, type NearKind, nearKind } from './near-kind.ts';
import { parseDestinationRule } from './parse-destination-rule.ts';
import { parseEndpointSlice } from './parse-endpoint-slice.ts';
import { parseNode } from './parse-node.ts';
import { parsePod } from './parse-pod.ts';
import { parseServiceCidr } from './parse-service-cidr.ts';
import { parseService } from './parse-service.ts';
import { parseVirtualService } from './parse-virtual-service.ts';

/** How objects of one kind are read. A parser returns `undefined` when it reported an error or the object is not used. */
interface KnownKind extends Omit<NamedKind, 'kind'> {
  readonly parse: (reader: FieldReader, metadata: Metadata) => ConfigObject | undefined;
}

// One schema under three served versions (istio.io, networking API).
const ISTIO_VERSIONS = ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'];

const KINDS: ReadonlyMap<string, KnownKind> = new Map<string, KnownKind>([
  ['Service', { group: '', apiVersions: ['v1'], parse: parseService }],
  ['Node', { group: '', apiVersions: ['v1'], parse: parseNode }],
  [
    'ServiceCIDR',
    {
      group: 'networking.k8s.io',
      apiVersions: ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1'],
      parse: parseServiceCidr,
    },
  ],
  ['Pod', { group: '', apiVersions: ['v1'], parse: parsePod }],
  ['EndpointSlice', { group: 'discovery.k8s.io', apiVersions: ['discovery.k8s.io/v1'], parse: parseEndpointSlice }],
  ['VirtualService', { group: 'networking.istio.io', apiVersions: ISTIO_VERSIONS, parse: parseVirtualService }],
  ['DestinationRule', { group: 'networking.istio.io', apiVersions: ISTIO_VERSIONS, parse: parseDestinationRule }],
]);

const NAMED: readonly NamedKind[] = [...KINDS].map(([kind, { group, apiVersions }]) => ({ kind, group, apiVersions }));

/** Kinds that shape traffic in a cluster, by API group; `*` for all of a group. */
const TRAFFIC_KINDS: Readonly<Record<string, readonly string[]>> = {
  '': ['Endpoints'],
  'networking.istio.io': ['*'],
  'security.istio.io': ['*'],
  'gateway.networking.k8s.io': ['*'],
  'networking.k8s.io': ['Ingress', 'NetworkPolicy'],
};

export type KindLookup =
  | { readonly is: 'known'; readonly kind: KnownKind }
  | { readonly is: 'unsupported-version'; readonly apiVersions: readonly string[] }
  | { readonly is: 'misspelt'; readonly meant: NearKind }
  | { readonly is: 'traffic' }
  | { readonly is: 'unknown' };

export function lookUpKind(apiVersion: string, kind: string): KindLookup {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const known = KINDS.get(kind);
  // Knative has a Service too: only the same API group means the same kind.
  if (known !== undefined && known.group === group) {
    if (known.apiVersions.includes(apiVersion)) return { is: 'known', kind: known };
    return { is: 'unsupported-version', apiVersions: known.apiVersions };
  }
  const meant = nearKind(apiVersion, kind, NAMED);
  if (meant !== undefined) return { is: 'misspelt', meant };
  const kinds = Object.hasOwn(TRAFFIC_KINDS, group) ? (TRAFFIC_KINDS[group] ?? []) : [];
  return { is: kinds.includes('*') || kinds.includes(kind) ? 'traffic' : 'unknown' };
}
