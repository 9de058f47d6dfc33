import { hashOf } from '../compile/chain-name.ts';
import type { VirtualPort, VirtualPortEndpoint } from '../compile/virtual-port.ts';

/** The kernel allows 256 characters; 16 are left for the prefix. */
const LONGEST_BASE = 240;

export type NftPortChain = 'service' | 'local' | 'external' | 'firewall';

/** `service-HASH-ns/svc/tcp/port`; unlike in iptables, names may be long enough to be read. */
export function nftPortChainName(sort: NftPortChain, port: VirtualPort): string {
  return `${sort}-${hashed(pathOf(port))}`;
}

/** The chain of an endpoint, and the set of the clients that belong to it: `endpoint-HASH-ns/svc/tcp/port__ip/port`. */
export function nftEndpointName(
  sort: 'endpoint' | 'affinity',
  port: VirtualPort,
  endpoint: VirtualPortEndpoint,
): string {
  // Names have no colons.
  return `${sort}-${hashed(`${pathOf(port)}__${endpoint.address.replaceAll(':', '.')}/${endpoint.port}`)}`;
}

function pathOf({ namespace, service, protocol, portName }: VirtualPort): string {
  return `${namespace}/${service}/${protocol.toLowerCase()}/${portName}`;
}

function hashed(text: string): string {
  const name = `${hashOf(text, 8)}-${text}`;
  return name.length > LONGEST_BASE ? `${name.slice(0, LONGEST_BASE - 3)}...` : name;
}
