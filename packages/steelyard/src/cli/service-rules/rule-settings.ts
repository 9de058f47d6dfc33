import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import type { ClusterNode, IpFamily, Snapshot } from '@steelyard/core/model';
import { parseAllDocuments } from 'yaml';
import type { ProxyConfig, RuleSetOptions } from '../../netfilter/index.ts';
import { compileProxyConfig, ProxyConfigError } from '../../netfilter/index.ts';
import { UsageError } from '../usage-error.ts';

/** What shapes the rules besides the manifests; options of the command line win over the file. */
export interface RuleSettings {
  readonly mode?: 'iptables' | 'nftables';
  readonly node?: string;
  readonly config?: string;
  readonly clusterCidr?: string;
  readonly masqueradeAll?: boolean;
  readonly affinitySets?: boolean;
}

export type RuleMode = 'iptables' | 'nftables';

export interface ReadSettings {
  readonly mode: RuleMode;
  readonly nodeName: string | undefined;
  readonly optionsFor: (family: IpFamily, snapshot: Snapshot) => RuleSetOptions;
}

/** `onThisHost`: the rules are for the machine that this runs on, whose name and addresses count. */
export async function readRuleSettings(settings: RuleSettings, onThisHost: boolean): Promise<ReadSettings> {
  const file = await readConfig(settings.config);
  const inspect = (family: IpFamily, node?: ClusterNode, mode?: RuleMode): ProxyConfig => {
    try {
      return compileProxyConfig(file, {
        family,
        ...(node !== undefined && { node }),
        ...(mode !== undefined && { mode }),
      });
    } catch (error) {
      if (error instanceof ProxyConfigError)
        throw new UsageError(`--config ${settings.config ?? ''}: ${error.message}`);
      throw error;
    }
  };
  const said = inspect('IPv4', undefined, settings.mode);
  const mode = settings.mode ?? said.mode ?? 'iptables';
  const nodeName = settings.node ?? said.nodeName ?? (onThisHost ? hostname().toLowerCase() : undefined);
  return {
    mode,
    nodeName,
    optionsFor(family, snapshot) {
      const known = nodeName === undefined ? undefined : snapshot.nodes?.get(nodeName);
      const node = known ?? (nodeName === undefined ? undefined : { name: nodeName, internalIps: [], podCidrs: [] });
      const { options } = inspect(family, node, mode);
      const { clusterCidr, masqueradeAll, affinitySets } = settings;
      const isOfFamily = clusterCidr?.includes(':') === (family === 'IPv6');
      return {
        ...options,
        ...(snapshot.serviceCidrs !== undefined && { serviceCidrs: snapshot.serviceCidrs }),
        ...(onThisHost && { localAddresses: ownAddresses() }),
        ...(clusterCidr !== undefined && isOfFamily && { localPods: { kind: 'network', network: clusterCidr } }),
        ...(masqueradeAll !== undefined && { masqueradeAll }),
        ...(affinitySets !== undefined && { affinitySets }),
      };
    },
  };
}

async function readConfig(path: string | undefined): Promise<unknown> {
  if (path === undefined) return {};
  try {
    const documents = parseAllDocuments(await readFile(path, 'utf8'));
    const [document, ...others] = 'empty' in documents ? [] : documents;
    if (others.length > 0) throw new UsageError(`--config ${path}: it must be one document, a KubeProxyConfiguration`);
    const [error] = document?.errors ?? [];
    if (error !== undefined) throw error;
    const value: unknown = document?.toJS() ?? null;
    return value;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new UsageError(`--config ${path}: ${absent ? 'no such file' : message}`);
  }
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
}
