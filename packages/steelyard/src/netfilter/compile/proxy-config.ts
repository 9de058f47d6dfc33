import type { ClusterNode, IpFamily } from '@steelyard/core/model';
import type { LocalPods, RuleSetOptions } from './rule-options.ts';

/** What of a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) shapes the rules. */
export interface ProxyConfig {
  readonly mode?: 'iptables' | 'nftables';
  readonly nodeName?: string;
  readonly options: RuleSetOptions;
}

/** A configuration that cannot be used. */
export class ProxyConfigError extends Error {
  override readonly name = 'ProxyConfigError';
}

export interface ProxyConfigScope {
  readonly family: IpFamily;
  /** The node that the rules are for, for `detectLocalMode: NodeCIDR`. */
  readonly node?: ClusterNode;
  /** Of the mode chosen otherwise; which section's masquerading counts depends on it. */
  readonly mode?: 'iptables' | 'nftables';
}

const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1';

/**
 * Reads an untrusted configuration. Fields that are about the process and not its rules (ports, logs, conntrack sizes)
 * are not looked at.
 *
 * @throws ProxyConfigError one sentence with the field
 */
export function compileProxyConfig(config: unknown, scope: ProxyConfigScope): ProxyConfig {
  const root = fieldsOf(config, 'the configuration');
  const version = text(root, 'apiVersion');
  if (version !== undefined && version !== API_VERSION) {
    throw new ProxyConfigError(`apiVersion must be ${API_VERSION}, not ${version}`);
  }
  const mode = scope.mode ?? readMode(root);
  const section = fieldsOf(root.get(mode ?? 'iptables') ?? {}, mode ?? 'iptables');
  const iptables = fieldsOf(root.get('iptables') ?? {}, 'iptables');
  const nodeName = text(root, 'hostnameOverride');
  const localPods = readLocalPods(root, scope);
  const masqueradeBit = numberOf(section, 'masqueradeBit', 31);
  const addresses = list(root, 'nodePortAddresses');
  const localhostNodePorts = flag(iptables, 'localhostNodePorts');
  const liberal = flag(fieldsOf(root.get('conntrack') ?? {}, 'conntrack'), 'tcpBeLiberal');
  return {
    ...(mode !== undefined && { mode }),
    ...(nodeName !== undefined && nodeName !== '' && { nodeName }),
    options: {
      family: scope.family,
      ...(scope.node !== undefined && { node: scope.node }),
      ...(localPods !== undefined && { localPods }),
      masqueradeAll: flag(section, 'masqueradeAll') ?? false,
      ...(masqueradeBit !== undefined && { masqueradeBit }),
      ...(addresses.length > 0 && { nodePortAddresses: addresses }),
      ...(localhostNodePorts !== undefined && { localhostNodePorts }),
      ...(liberal !== undefined && { conntrackTcpLiberal: liberal }),
    },
  };
}

type Fields = ReadonlyMap<string, unknown>;

function readMode(root: Fields): 'iptables' | 'nftables' | undefined {
  const mode = text(root, 'mode');
  if (mode === undefined || mode === '') return undefined;
  if (mode === 'iptables' || mode === 'nftables') return mode;
  throw new ProxyConfigError(`mode must be iptables or nftables, not ${mode}`);
}

function readLocalPods(root: Fields, { family, node }: ProxyConfigScope): LocalPods | undefined {
  const detect = fieldsOf(root.get('detectLocal') ?? {}, 'detectLocal');
  const isOfFamily = (network: string): boolean => network.includes(':') === (family === 'IPv6');
  const mode = text(root, 'detectLocalMode') ?? '';
  switch (mode) {
    case '':
    case 'ClusterCIDR': {
      const networks = (text(root, 'clusterCIDR') ?? '').split(',').map((network) => network.trim());
      return networkOf(networks.find((network) => network !== '' && isOfFamily(network)));
    }
    case 'NodeCIDR':
      return networkOf(node?.podCidrs.find(isOfFamily));
    case 'BridgeInterface': {
      const name = text(detect, 'bridgeInterface');
      return name === undefined || name === '' ? undefined : { kind: 'bridge', name };
    }
    case 'InterfaceNamePrefix': {
      const prefix = text(detect, 'interfaceNamePrefix');
      return prefix === undefined || prefix === '' ? undefined : { kind: 'interfacePrefix', prefix };
    }
    default:
      throw new ProxyConfigError(
        `detectLocalMode must be ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix, not ${mode}`,
      );
  }
}

function networkOf(network: string | undefined): LocalPods | undefined {
  return network === undefined ? undefined : { kind: 'network', network };
}

function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProxyConfigError(`${name} must be a mapping`);
  }
  return new Map<string, unknown>(Object.entries(value));
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields.get(name) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new ProxyConfigError(`${name} must be a string`);
}

function flag(fields: Fields, name: string): boolean | undefined {
  const value = fields.get(name) ?? undefined;
  if (value === undefined || typeof value === 'boolean') return value;
  throw new ProxyConfigError(`${name} must be true or false`);
}

function numberOf(fields: Fields, name: string, most: number): number | undefined {
  const value = fields.get(name) ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new ProxyConfigError(`${name} must be a whole number from 0 to ${most}`);
}

function list(fields: Fields, name: string): readonly string[] {
  const value = fields.get(name) ?? [];
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value;
  throw new ProxyConfigError(`${name} must be a list of strings`);
}
