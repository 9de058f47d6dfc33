import type { Endpoint, ServiceEntry, Snapshot } from '@steelyard/core/model';
import type { ZoneChange } from '../zone/zone.ts';

/** A message of many megabytes would hold up both ends. */
const SERVICES_AT_ONCE = 200;

/**
 * What differs between two Snapshots, in pieces, with no more of each Service than DNS speaks of: it goes to other processes. At
 * least one piece.
 */
export function diffServices(
  before: ReadonlyMap<string, ServiceEntry>,
  { services, version }: Pick<Snapshot, 'services' | 'version'>,
): readonly ZoneChange[] {
  const removed: string[] = [];
  for (const key of before.keys()) if (!services.has(key)) removed.push(key);
  const set: (readonly [string, ServiceEntry])[] = [];
  for (const [key, entry] of services) if (before.get(key) !== entry) set.push([key, viewOf(entry)]);
  const changes: ZoneChange[] = [{ version, removed, set: set.slice(0, SERVICES_AT_ONCE) }];
  for (let from = SERVICES_AT_ONCE; from < set.length; from += SERVICES_AT_ONCE) {
    changes.push({ version, removed: [], set: set.slice(from, from + SERVICES_AT_ONCE) });
  }
  return changes;
}

function viewOf({ service, ports, portless }: ServiceEntry): ServiceEntry {
  const { kind, namespace, name, type, headless, clusterIps, externalName } = service;
  return {
    service: {
      kind,
      namespace,
      name,
      type,
      headless,
      clusterIps,
      ports: service.ports,
      ...(externalName !== undefined && { externalName }),
    },
    ports: ports.map(({ port, endpoints }) => ({ port, endpoints: readyOf(endpoints) })),
    ...(portless !== undefined && { portless: readyOf(portless) }),
  };
}

const READY = { ready: true, serving: true, terminating: false } as const;

function readyOf(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints
    .filter(({ conditions }) => conditions.ready)
    .map(({ address, port, family, hostname, zone }) => ({
      address,
      port,
      family,
      conditions: READY,
      ...(hostname !== undefined && { hostname }),
      ...(zone !== undefined && { zone }),
    }));
}
