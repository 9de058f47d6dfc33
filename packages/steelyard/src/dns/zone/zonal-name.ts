import type { Endpoint, ServiceEntry } from '@steelyard/core/model';

/** `ZONE.pin._zone.SERVICE.NAMESPACE` and `ZONE.prefer._zone.SERVICE.NAMESPACE` (CoreDNS's plugin/kubernetes, `zonal`). */
export interface ZonalName {
  /** As in `Snapshot.services`. */
  readonly service: string;
  /** The topology zone, in lower case; it may have dots. */
  readonly topologyZone: string;
  /** What to answer with where there is no endpoint in that zone: nothing, or all of them. */
  readonly mode: 'pin' | 'prefer';
}

/** @param relative a name below `svc.ZONE`, in lower case, without it */
export function parseZonalName(relative: string): ZonalName | undefined {
  const match = /^(?<topologyZone>.+)\.(?<mode>pin|prefer)\._zone\.(?<service>[^.]+)\.(?<namespace>[^.]+)$/.exec(
    relative,
  );
  const { topologyZone, mode, service, namespace } = match?.groups ?? {};
  if (topologyZone === undefined || (mode !== 'pin' && mode !== 'prefer')) return undefined;
  return { service: `${namespace}/${service}`, topologyZone, mode };
}

/** The Service with no endpoints but those of a zone; itself, for `prefer`, where that has none that is ready. */
export function narrowToZone(entry: ServiceEntry, { topologyZone, mode }: ZonalName): ServiceEntry {
  const isThere = ({ zone }: Endpoint): boolean => zone?.toLowerCase() === topologyZone;
  const all = [...entry.ports.flatMap(({ endpoints }) => endpoints), ...(entry.portless ?? [])];
  if (mode === 'prefer' && !all.some((endpoint) => isThere(endpoint) && endpoint.conditions.ready)) return entry;
  return {
    service: entry.service,
    ports: entry.ports.map(({ port, endpoints }) => ({ port, endpoints: endpoints.filter(isThere) })),
    ...(entry.portless !== undefined && { portless: entry.portless.filter(isThere) }),
  };
}
