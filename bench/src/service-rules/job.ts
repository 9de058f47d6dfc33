export const SUBJECTS = ['steelyard', 'kube-proxy'] as const;
export type SubjectName = (typeof SUBJECTS)[number];
/** `iptables` is by the kernel's own tables where `iptables-legacy` is installed: through nf_tables it is quadratic. */
export const MODES = ['iptables', 'nftables'] as const;
export type Mode = (typeof MODES)[number];

/** One process over one cluster, in a network namespace of its own. */
export interface Job {
  readonly subject: SubjectName;
  readonly mode: Mode;
  readonly services: number;
  readonly endpoints: number;
  readonly changes: number;
}

/** Seconds, by the process's own clock (`kubeproxy_sync_…_duration_seconds`), and by ours for `visible`. */
export interface JobResult {
  readonly full: number;
  readonly change: number;
  /** From the event to the end of the sync that has it. */
  readonly visible: number;
  /** CPU of the process and its children for one change. */
  readonly changeCpu: number;
  readonly startCpu: number;
}
