import type { IpFamily, Snapshot } from '@steelyard/core/model';
import { compileNodeRules, type NodeAddresses, renderNodeTable, selectPorts } from '../../netfilter/index.ts';
import { renderStructured } from '../render-output.ts';
import type { OutputFormat } from '../options/shared-options.ts';

/** Stand for the ports that the listeners would get: free ones, chosen when they are opened. */
const FIRST_PORT = 40_001;
const TIMEOUT_MS = 900;

/** What `steelyard node` would write, as `nft -f` reads it, and which ports it would leave. */
export function printNodeMode(
  snapshot: Snapshot,
  nodeName: string,
  addresses: NodeAddresses,
  output: OutputFormat,
): string {
  const choice = selectPorts(snapshot, nodeName);
  const ports = new Map<string, number>();
  const rules = compileNodeRules(choice.balanced, ({ namespace, name, port }, family: IpFamily) => {
    if (addresses[family] === undefined) return undefined;
    const key = `${namespace}/${name}:${port} ${family}`;
    const listener = ports.get(key) ?? FIRST_PORT + ports.size;
    ports.set(key, listener);
    return listener;
  });
  const named = ({ namespace, name, port, because, ...rest }: (typeof choice.left)[number]): object => ({
    service: `${namespace}/${name}`,
    port,
    because,
    ...rest,
  });
  if (output !== 'table') {
    return renderStructured({ addresses, balanced: choice.balanced.map(named), left: choice.left.map(named) }, output);
  }
  const lines = [
    `# Listeners get free ports when they are opened; here they count from ${FIRST_PORT}.`,
    ...choice.balanced.map(
      ({ namespace, name, port, because }) => `# ${namespace}/${name}:${port} is balanced: ${because}`,
    ),
    ...choice.left.map(
      ({ namespace, name, port, because }) => `# ${namespace}/${name}:${port} stays with kube-proxy: ${because}`,
    ),
  ];
  // Loaded by hand, they would not have a listener, nor a heartbeat: they time out.
  return `${lines.join('\n')}\n${renderNodeTable(rules, { addresses, owner: 1, timeoutMs: TIMEOUT_MS })}`;
}
