import type { Endpoint, Snapshot } from '@steelyard/core/model';
import { renderEndpointAddress } from '@steelyard/core/model';

/**
 * Finds the cluster addresses, with their ports, that the proxy may connect to itself, as they are endpoints of some cluster:
 * next to none. Remembers which endpoints it has compared, since a large cluster has a hundred thousand of them and one of
 * its Services changes at a time.
 */
export function createCalledAddresses(): (snapshot: Pick<Snapshot, 'services' | 'clusters'>) => ReadonlySet<string> {
  let own: ReadonlySet<string> = new Set();
  let compared = new WeakMap<readonly Endpoint[], readonly string[]>();

  return ({ services, clusters }) => {
    const next = new Set<string>();
    for (const { service } of services.values()) {
      for (const address of service.clusterIps) {
        for (const { port } of service.ports) next.add(renderEndpointAddress(address, port));
      }
    }
    for (const each of next) {
      if (own.has(each)) continue;
      compared = new WeakMap();
      break;
    }
    own = next;

    const called = new Set<string>();
    for (const { endpoints } of clusters.values()) {
      let found = compared.get(endpoints);
      if (found === undefined) {
        found = endpoints
          .map(({ address, port }) => renderEndpointAddress(address, port))
          .filter((address) => next.has(address));
        compared.set(endpoints, found);
      }
      for (const address of found) called.add(address);
    }
    return called;
  };
}
