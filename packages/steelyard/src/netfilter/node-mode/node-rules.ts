import type { IpFamily } from '@steelyard/core/model';
import type { BalancedPort } from './select-ports.ts';

/** Of its own, so that whoever else writes rules is not touched, nor touches it. */
export const NODE_TABLE = 'inet steelyard-node';

/** Addresses of the node that the proxy listens on; a family without one stays with kube-proxy. */
export type NodeAddresses = Partial<Readonly<Record<IpFamily, string>>>;

/** Connections to this address and port go to that port of the node's address of the same family. */
export interface Redirect {
  readonly address: string;
  readonly port: number;
  readonly listenerPort: number;
}

/** What the kernel is to do for the proxy of this node, by `address . port` as nft writes a concatenation. */
export type NodeRules = ReadonlyMap<string, Redirect>;

export type ListenerPortOf = (port: BalancedPort, family: IpFamily) => number | undefined;

/** A port whose family has no listener is left out: its connections stay with kube-proxy. */
export function compileNodeRules(ports: readonly BalancedPort[], listenerPortOf: ListenerPortOf): NodeRules {
  const redirects = new Map<string, Redirect>();
  for (const balanced of ports) {
    const { port } = balanced;
    for (const address of balanced.addresses) {
      const listenerPort = listenerPortOf(balanced, familyOf(address));
      if (listenerPort !== undefined) redirects.set(`${address} . ${port}`, { address, port, listenerPort });
    }
  }
  return redirects;
}

export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
