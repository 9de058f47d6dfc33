import type { ClusterNode, IpFamily } from '@steelyard/core/model';

/** How to tell the connections of this node's own Pods from others (kube-proxy, `detectLocalMode`). */
export type LocalPods =
  | { readonly kind: 'network'; readonly network: string }
  /** The bridge that the Pods' interfaces hang on. */
  | { readonly kind: 'bridge'; readonly name: string }
  /** What the names of the Pods' interfaces begin with. */
  | { readonly kind: 'interfacePrefix'; readonly prefix: string };

/** Whose rules, and what kube-proxy's configuration says about them. */
export interface RuleSetOptions {
  readonly family: IpFamily;
  /** The node they are for. Absent: no endpoint is local, no hint is followed. */
  readonly node?: ClusterNode;
  /** Absent: nothing is masqueraded for coming from outside of the cluster, and no Pod is known as one. */
  readonly localPods?: LocalPods;
  /** Masquerade every connection to a ClusterIP (kube-proxy's `--masquerade-all`). */
  readonly masqueradeAll?: boolean;
  /** 0–31; packets to masquerade carry this bit as their mark. Default 14. */
  readonly masqueradeBit?: number;
  /** Networks of the node's addresses that take node ports, or `primary`. Default: all in iptables, `primary` in nftables. */
  readonly nodePortAddresses?: readonly string[];
  /** The node's addresses, for `nodePortAddresses`. Default: its InternalIPs. */
  readonly localAddresses?: readonly string[];
  /** Node ports on 127.0.0.0/8 (iptables, IPv4). Default true. */
  readonly localhostNodePorts?: boolean;
  /** Packets of state INVALID pass: set where the kernel's `nf_conntrack_tcp_be_liberal` is. Default false. */
  readonly conntrackTcpLiberal?: boolean;
  /** The kernel's accounting objects of kube-proxy exist (xt_nfacct): their packets are counted. Default false. */
  readonly accounting?: boolean;
  /**
   * iptables mode: the clients of session affinity are kept in sets of ipset(8), 65,536 for each endpoint, where xt_recent
   * keeps 100. Default false, as kube-proxy.
   */
  readonly affinitySets?: boolean;
  /** `ServiceCIDR` networks: nftables drops connections to their unallocated addresses. */
  readonly serviceCidrs?: readonly string[];
}

export function masqueradeMark({ masqueradeBit = 14 }: RuleSetOptions): number {
  return 2 ** masqueradeBit;
}

/** The first InternalIP of the family, by which firewalls know the node itself. */
export function nodeAddress({ node, family }: RuleSetOptions): string | undefined {
  return node?.internalIps.find((address) => address.includes(':') === (family === 'IPv6'));
}
