// Random clusters as Snapshots, and the rules of a node for them.
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { IpFamily, Snapshot } from '@steelyard/core/model';
import { compileProxyConfig } from './proxy-config.ts';
import type { KubeObject } from './random-objects.test-bed.ts';
import { NODE, NODE_ADDRESSES, randomCase } from './random-objects.test-bed.ts';
import type { RuleSetOptions } from './rule-options.ts';

export function snapshotOf(objects: readonly KubeObject[]): Snapshot {
  const documents = objects.map((value) => ({ file: value.kind, value, locate: () => undefined }));
  const parsed = parseObjects(documents, { defaultNamespace: 'default' });
  if (parsed.broken.length > 0) throw new Error(`objects that cannot be used: ${JSON.stringify(parsed.diagnostics)}`);
  return createCompiler().compile(parsed);
}

export function randomRules(
  seed: number,
  mode: 'iptables' | 'nftables',
  family: IpFamily,
): { readonly snapshot: Snapshot; readonly options: RuleSetOptions } {
  const { objects, config } = randomCase(seed);
  const snapshot = snapshotOf(objects);
  const node = snapshot.nodes?.get(NODE);
  const { options } = compileProxyConfig(config, { family, mode, ...(node !== undefined && { node }) });
  return { snapshot, options: { ...options, localAddresses: NODE_ADDRESSES } };
}
