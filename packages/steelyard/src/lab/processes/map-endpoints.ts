import type { Endpoint, Snapshot } from '@steelyard/core/model';
import type { SocketAddress } from '../../net-address.ts';
import { podKey } from '../lab-target.ts';

/**
 * The same Snapshot with its endpoints elsewhere. `place` says where; `undefined` leaves an endpoint where it is.
 * Order (by `ip:port`) and sharing hold in the result: one Endpoint stays one object wherever it appears.
 */
export function mapEndpoints(snapshot: Snapshot, place: (endpoint: Endpoint) => SocketAddress | undefined): Snapshot {
  const moved = new Map<Endpoint, Endpoint>();
  const move = (endpoint: Endpoint): Endpoint => {
    const known = moved.get(endpoint);
    if (known !== undefined) return known;
    const to = place(endpoint);
    const result: Endpoint =
      to === undefined
        ? endpoint
        : { ...endpoint, address: to.host, port: to.port, family: to.host.includes(':') ? 'IPv6' : 'IPv4' };
    moved.set(endpoint, result);
    return result;
  };
  const moveAll = (endpoints: readonly Endpoint[]): readonly Endpoint[] => {
    const placed = endpoints.map((endpoint) => move(endpoint));
    return placed.toSorted((a, b) => (podKey(a) < podKey(b) ? -1 : 1));
  };
  return {
    ...snapshot,
    services: mapValues(snapshot.services, (entry) => ({
      ...entry,
      ports: entry.ports.map((port) => ({ ...port, endpoints: moveAll(port.endpoints) })),
    })),
    clusters: mapValues(snapshot.clusters, (cluster) => ({ ...cluster, endpoints: moveAll(cluster.endpoints) })),
  };
}

function mapValues<K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): ReadonlyMap<K, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
