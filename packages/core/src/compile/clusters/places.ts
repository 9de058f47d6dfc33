import type { Endpoint } from '../../model/index.ts';
import type { ClientIdentity, ClientLocality } from '../client-identity.ts';
import { compareStrings } from '../order.ts';

/** Endpoints of one locality. */
export interface Place {
  readonly locality: ClientLocality;
  /** Indexes. */
  readonly members: readonly number[];
}

/**
 * `istio-locality` of the Pod, with dots or slashes; else what its Node says, else the zone of the slice. Where the Node is
 * not known, the region is not either; it is nearly always one for a whole cluster: what says none is where the callers are.
 */
function placeOf({ labels, region, zone, subzone }: Endpoint, clientRegion: string): ClientLocality {
  const written = labels?.['istio-locality'] ?? '';
  if (written === '') return { region: region ?? clientRegion, zone: zone ?? '', subzone: subzone ?? '' };
  const [ownRegion = '', ownZone = '', ownSubzone = ''] = written.split(written.includes('/') ? '/' : '.');
  return { region: ownRegion, zone: ownZone, subzone: ownSubzone };
}

export function groupByPlace(endpoints: readonly Endpoint[], clientRegion: string): readonly Place[] {
  const places = new Map<string, { readonly locality: ClientLocality; readonly members: number[] }>();
  for (const [index, endpoint] of endpoints.entries()) {
    const locality = placeOf(endpoint, clientRegion);
    const key = renderPlace(locality);
    const known = places.get(key);
    if (known === undefined) places.set(key, { locality, members: [index] });
    else known.members.push(index);
  }
  return [...places.entries()].toSorted(([a], [b]) => compareStrings(a, b)).map(([, place]) => place);
}

export function renderPlace({ region, zone, subzone }: ClientLocality): string {
  return `${region}/${zone}/${subzone}`;
}

/** Whether `pattern` (`region`, `region/zone/*`, …) holds the place. */
export function coversPlace(pattern: string, { region, zone, subzone }: ClientLocality): boolean {
  const parts = [region, zone, subzone];
  return pattern.split('/').every((part, index) => part === '*' || part === '' || part === parts[index]);
}

type Labels = Readonly<Record<string, string>>;

/** What Istio adds to the labels of a workload (pilot/pkg/serviceregistry/util/label, `AugmentLabels`). */
function withPlace(
  labels: Labels | undefined,
  place: ClientLocality | undefined,
  nodeName: string | undefined,
): Labels {
  const added: readonly (readonly [string, string | undefined])[] = [
    ['topology.kubernetes.io/region', place?.region],
    ['topology.kubernetes.io/zone', place?.zone],
    ['topology.istio.io/subzone', place?.subzone],
    ['kubernetes.io/hostname', nodeName],
  ];
  return {
    ...labels,
    ...Object.fromEntries(added.flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[key, value]]))),
  };
}

export function labelsOfClient({ clientLabels, clientLocality, clientNode }: ClientIdentity): Labels {
  return withPlace(clientLabels, clientLocality, clientNode);
}

export function labelsOfEndpoint({ labels, nodeName }: Endpoint, place: ClientLocality): Labels {
  return withPlace(labels, place, nodeName);
}
