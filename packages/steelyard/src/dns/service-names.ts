import type { Endpoint, ServiceEntry } from '@steelyard/core/model';
import { isIPv6 } from 'node:net';
import type { RecordBlock } from './records.ts';
import { encodeAddresses, isWireName } from './records.ts';

/** What is known about one name. A name that exists may well have no record of the type asked for: NODATA. */
export type NameRecords =
  | { readonly kind: 'addresses'; readonly a: RecordBlock; readonly aaaa: RecordBlock }
  /** `target`: a name in lower case without trailing dot. */
  | { readonly kind: 'alias'; readonly target: string };

/**
 * The names of one Service and what they resolve to, relative to `svc.ZONE`
 * (Kubernetes DNS-Based Service Discovery 1.1.0, §2.3–§2.5).
 *
 * - ClusterIP: `SERVICE.NAMESPACE` has the virtual addresses.
 * - Headless: `SERVICE.NAMESPACE` has every ready endpoint, and each endpoint a name below, its hostname or else its
 *   address with dashes. Without a ready endpoint there is no name (§2.4.1): an endpoint that only serves while it
 *   terminates takes no new callers.
 * - ExternalName: an alias.
 */
export function serviceNames(entry: ServiceEntry, ttlSeconds: number): Map<string, NameRecords> {
  const { service } = entry;
  const name = `${service.name}.${service.namespace}`.toLowerCase();
  const names = new Map<string, NameRecords>();
  if (service.type === 'ExternalName') {
    const target = service.externalName?.toLowerCase().replace(/\.$/, '') ?? '';
    if (isWireName(target)) names.set(name, { kind: 'alias', target });
    return names;
  }
  if (!service.headless) {
    names.set(name, addressRecords(service.clusterIps, ttlSeconds));
    return names;
  }
  const ready = entry.ports.flatMap(({ endpoints }) => endpoints.filter(({ conditions }) => conditions.ready));
  if (ready.length === 0) return names;
  names.set(name, addressRecords(distinct(ready.map(({ address }) => address)), ttlSeconds));
  for (const [label, addresses] of addressesByLabel(ready)) {
    names.set(`${label}.${name}`, addressRecords(distinct(addresses), ttlSeconds));
  }
  return names;
}

function addressRecords(addresses: readonly string[], ttlSeconds: number): NameRecords {
  return {
    kind: 'addresses',
    a: encodeAddresses(
      addresses.filter((address) => !isIPv6(address)),
      ttlSeconds,
    ),
    aaaa: encodeAddresses(
      addresses.filter((address) => isIPv6(address)),
      ttlSeconds,
    ),
  };
}

/** Several endpoints may share a hostname: then its name has all of their addresses. */
function addressesByLabel(endpoints: readonly Endpoint[]): Map<string, string[]> {
  const byLabel = new Map<string, string[]>();
  for (const { hostname, address } of endpoints) {
    const label = (hostname ?? address.replaceAll(/[.:]/g, '-')).toLowerCase();
    const addresses = byLabel.get(label);
    if (addresses === undefined) byLabel.set(label, [address]);
    else addresses.push(address);
  }
  return byLabel;
}

/** An endpoint stands once per port of the Service. */
function distinct(addresses: readonly string[]): readonly string[] {
  return [...new Set(addresses)];
}
