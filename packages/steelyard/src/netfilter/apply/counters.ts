import { type MetricFamily, only, renderNumbers } from '../../metric-text.ts';
import { INVALID_DROPPED, LOCALHOST_ACCEPTED } from '../frame.ts';
import { ApplyError, type RunTool, runTool } from './kernel-tool.ts';

/** The kernel's accounting objects that rules count into (xt_nfacct), and the metrics that kube-proxy makes of them. */
const METRICS: ReadonlyMap<string, MetricFamily> = new Map([
  [
    INVALID_DROPPED,
    {
      name: 'kubeproxy_iptables_ct_state_invalid_dropped_packets_total',
      type: 'counter',
      help: 'Packets of conntrack state INVALID that were dropped.',
      labels: [],
    },
  ],
  [
    LOCALHOST_ACCEPTED,
    {
      name: 'kubeproxy_iptables_localhost_nodeports_accepted_packets_total',
      type: 'counter',
      help: 'Packets to node ports on loopback addresses.',
      labels: [],
    },
  ],
]);

export interface Counters {
  /** In the text format of Prometheus; the numbers of now. */
  render(): Promise<string>;
}

/** Makes the counters where nfacct(8) and the kernel have them; `undefined` where not, and the rules must not count. */
export async function createCounters(run: RunTool = runTool): Promise<Counters | undefined> {
  try {
    // One that is there already is refused, and is fine.
    for (const name of METRICS.keys()) await run('nfacct', ['add', name]);
    const { stdout } = await run('nfacct', ['list']);
    if (![...METRICS.keys()].every((name) => stdout.includes(name))) return undefined;
  } catch (error) {
    if (error instanceof ApplyError) return undefined;
    throw error;
  }
  return {
    async render() {
      const { stdout } = await run('nfacct', ['list']);
      return [...METRICS]
        .map(([name, family]) => {
          const pkts = new RegExp(String.raw`pkts = (\d+),[^}]*\} = ${name};`).exec(stdout)?.[1];
          return renderNumbers(family, pkts === undefined ? [] : only(Number(pkts)));
        })
        .join('');
    },
  };
}
