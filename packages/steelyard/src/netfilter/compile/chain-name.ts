import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Protocol } from '@steelyard/core/model';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** How kube-proxy names a Service port in comments and hashes: `ns/name:port`, without `:port` when unnamed. */
export function servicePortName(namespace: string, service: string, port: string): string {
  return port === '' ? `${namespace}/${service}` : `${namespace}/${service}:${port}`;
}

/** `KUBE-SVC-…`: the chain that shares the connections of one Service port (kube-proxy, `servicePortPolicyClusterChain`). */
export function serviceChainName(servicePort: string, protocol: Protocol): string {
  return portChainName('SVC', servicePort, protocol);
}

/**
 * The chains of one Service port: `SVC` shares over the endpoints of all nodes, `SVL` over those of this node, `EXT`
 * takes what comes to outside addresses, `FW` lets the load balancer's source ranges through.
 */
export function portChainName(sort: 'SVC' | 'SVL' | 'EXT' | 'FW', servicePort: string, protocol: Protocol): string {
  return `KUBE-${sort}-${hashOf(servicePort + protocol.toLowerCase())}`;
}

/** `KUBE-SEP-…`: the chain that sends to one endpoint of a Service port (kube-proxy, `servicePortEndpointChainName`). */
export function endpointChainName(servicePort: string, protocol: Protocol, addressPort: string): string {
  return `KUBE-SEP-${hashOf(servicePort + protocol.toLowerCase() + addressPort)}`;
}

/**
 * `KUBE-AFF4-…`, `KUBE-AFF6-…`: the set of the clients that belong to one endpoint. A set cannot change how long it keeps
 * them, so another time is another set.
 */
export function affinitySetName(servicePort: string, protocol: Protocol, addressPort: string, seconds: number): string {
  const family = addressPort.startsWith('[') ? 6 : 4;
  return `KUBE-AFF${family}-${hashOf(`${servicePort}${protocol.toLowerCase()}${addressPort}/${seconds}`)}`;
}

/** `ip:port`, an IPv6 address in brackets. */
export function addressPortOf(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * The first 16 characters of the base32 (RFC 4648 §6) SHA-256: chain names may have 28 characters, and must be the
 * same on every node and after every restart. `length` is at most 16.
 */
export function hashOf(text: string, length = 16): string {
  const digest = createHash('sha256').update(text).digest();
  let characters = '';
  let bits = 0;
  let held = 0;
  for (const byte of digest.subarray(0, 10)) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      characters += BASE32.charAt((held >> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return characters.slice(0, length);
}
