import { isIP, isIPv6 } from 'node:net';
import type { Endpoint, ServiceEntry, ServicePortEndpoints } from '@steelyard/core/model';
import { encodeAddresses, isWireName } from '../message/records.ts';
import type { ReversePointer } from './reverse-zone.ts';
import type { NameRecords, ServicePlace } from './service-records.ts';
import { encodeServices, lazily } from './service-records.ts';
import type { Validity } from './validity.ts';

/**
 * All that the cluster's DNS says about one Service. Names are whole, in lower case, without trailing dot. What lies below the
 * Service's own name is made when it is first asked for, which for most Services is never.
 */
export interface ServiceNames {
  /** Of the Service's own name; `undefined`: there is no such name. */
  readonly own: NameRecords | undefined;
  /** Of the endpoints' names. */
  readonly endpoints: () => ReadonlyMap<string, NameRecords>;
  /** By `PORT.PROTOCOL.SERVICE…`, without the underscores; PORT is empty for any. */
  readonly ports: () => ReadonlyMap<string, NameRecords>;
  readonly pointers: () => readonly ReversePointer[];
}

const NO_NAMES: ServiceNames = {
  own: undefined,
  endpoints: () => new Map(),
  ports: () => new Map(),
  pointers: () => [],
};

/**
 * What one Service's names resolve to (Kubernetes DNS-Based Service Discovery 1.1.0, §2.3–§2.5).
 *
 * - ClusterIP: `SERVICE.NAMESPACE` has the virtual addresses.
 * - Headless: `SERVICE.NAMESPACE` has every ready endpoint. Without one there is no name (§2.4.1): an endpoint that only
 *   serves while it terminates takes no new callers.
 * - Either: each ready endpoint has a name below, its hostname or else its address with dashes (CoreDNS; the
 *   specification has it for headless ones).
 * - Ports: SRV at `_PORT._PROTOCOL.SERVICE…`, and as CoreDNS has it of all ports at the Service's and endpoints' names.
 * - ExternalName: an alias.
 *
 * @param suffix `svc.ZONE`
 * @param validity ends when the Service changes or goes
 */
export function serviceNames(
  entry: ServiceEntry,
  suffix: string,
  ttlSeconds: number,
  validity: Validity,
): ServiceNames {
  const { service } = entry;
  const name = `${service.name}.${service.namespace}.${suffix}`.toLowerCase();
  if (service.type === 'ExternalName') {
    const target = service.externalName?.toLowerCase().replace(/\.$/, '') ?? '';
    // An address is no name to go on with, whatever the field is called.
    if (!isWireName(target) || isIP(target) !== 0) return NO_NAMES;
    return { ...NO_NAMES, own: { kind: 'alias', target } };
  }
  const ready = readyEndpoints(entry);
  if (service.headless && ready.length === 0) return NO_NAMES;
  const context = { entry, name, ttlSeconds, validity };
  const addresses = service.headless ? distinct(ready.map(({ address }) => address)) : service.clusterIps;
  return {
    own: addressRecords(context, addresses, () => placesOf(context, entry.ports)),
    endpoints: lazily(() => endpointNames(context, ready)),
    ports: lazily(() => portNames(context)),
    pointers: () => reversePointers(context, ready),
  };
}

/** The addresses that lead back to a Service or its endpoints. */
export function reverseAddresses(entry: ServiceEntry): readonly string[] {
  if (entry.service.type === 'ExternalName') return [];
  const endpoints = readyEndpoints(entry).map(({ address }) => address);
  return distinct([...entry.service.clusterIps, ...endpoints]);
}

function endpointNames(context: Context, ready: readonly Endpoint[]): ReadonlyMap<string, NameRecords> {
  const { entry, name } = context;
  const names = new Map<string, NameRecords>();
  for (const [label, those] of endpointsByLabel(ready)) {
    const place = (): readonly ServicePlace[] => those.map(({ port }) => ({ target: `${label}.${name}`, port }));
    const withPorts = entry.ports.length > 0 ? place : undefined;
    names.set(`${label}.${name}`, addressRecords(context, distinct(those.map(({ address }) => address)), withPorts));
  }
  return names;
}

interface Context {
  readonly entry: ServiceEntry;
  readonly name: string;
  readonly ttlSeconds: number;
  readonly validity: Validity;
}

function readyEndpoints({ ports, portless }: ServiceEntry): readonly Endpoint[] {
  const all = [...ports.flatMap(({ endpoints }) => endpoints), ...(portless ?? [])];
  return all.filter(({ conditions }) => conditions.ready);
}

/** By name and protocol, and as CoreDNS has it by protocol alone (`_._tcp`). */
function portNames(context: Context): ReadonlyMap<string, NameRecords> {
  const { entry, name } = context;
  const groups = new Map<string, ServicePortEndpoints[]>();
  for (const port of entry.ports) {
    const protocol = port.port.protocol.toLowerCase();
    const keys = new Set([`${port.port.name.toLowerCase()}.${protocol}`, `.${protocol}`]);
    for (const key of keys) groups.set(key, [...(groups.get(key) ?? []), port]);
  }
  const { headless, clusterIps } = entry.service;
  return new Map(
    [...groups].flatMap(([key, ports]): [string, NameRecords][] => {
      const ready = headless ? readyEndpoints({ service: entry.service, ports }) : [];
      if (headless && ready.length === 0) return [];
      const addresses = headless ? distinct(ready.map(({ address }) => address)) : clusterIps;
      const places = (): readonly ServicePlace[] => placesOf(context, ports);
      return [[`${key}.${name}`, addressRecords(context, addresses, places)]];
    }),
  );
}

/** A ClusterIP's ports are the Service's, once a family; a headless Service's those of its endpoints. */
function placesOf({ entry, name }: Context, ports: readonly ServicePortEndpoints[]): readonly ServicePlace[] {
  if (!entry.service.headless) {
    return entry.service.clusterIps.flatMap(() => ports.map(({ port }) => ({ target: name, port: port.port })));
  }
  return ports.flatMap(({ endpoints }) =>
    endpoints
      .filter(({ conditions }) => conditions.ready)
      .map((endpoint) => ({ target: `${labelOf(endpoint)}.${name}`, port: endpoint.port })),
  );
}

function reversePointers({ entry, name }: Context, ready: readonly Endpoint[]): readonly ReversePointer[] {
  const pointers = new Map<string, ReversePointer>();
  for (const endpoint of ready) {
    const { address } = endpoint;
    const target = `${labelOf(endpoint)}.${name}`;
    pointers.set(`${address} ${target}`, { address, target, virtual: false });
  }
  const virtual = entry.service.clusterIps.map((address) => ({ address, target: name, virtual: true }));
  return [...virtual, ...pointers.values()];
}

function addressRecords(
  { ttlSeconds, validity }: Context,
  addresses: readonly string[],
  places?: () => readonly ServicePlace[],
): NameRecords {
  const ofFamily = (six: boolean): readonly string[] => addresses.filter((address) => isIPv6(address) === six);
  return {
    kind: 'addresses',
    a: encodeAddresses(ofFamily(false), ttlSeconds),
    aaaa: encodeAddresses(ofFamily(true), ttlSeconds),
    ...(places !== undefined && { srv: lazily(() => encodeServices(places())) }),
    validity,
  };
}

/** Several endpoints may share a hostname: then its name has all of their addresses. */
function endpointsByLabel(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const byLabel = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const label = labelOf(endpoint);
    const others = byLabel.get(label);
    if (others === undefined) byLabel.set(label, [endpoint]);
    else others.push(endpoint);
  }
  return byLabel;
}

/** A label must not end in a dash: `fd00::` is `fd00--0`, as CoreDNS has it. */
function labelOf({ hostname, address }: Endpoint): string {
  return (hostname ?? address.replaceAll(/[.:]/g, '-').replace(/-$/, '-0')).toLowerCase();
}

/** An endpoint stands once per port of the Service. */
function distinct(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)];
}
