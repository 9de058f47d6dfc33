import type { Latency } from '../processes/messages.ts';
import type { Way } from '../ways/way.ts';

export interface PodReport {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly calls: number;
  /** Of the calls that were answered. */
  readonly share: number;
  readonly expectedShare: number;
}

/**
 * - `balanced`: the shares fit the expectation.
 * - `pinned`: one pod has every call.
 * - `off`: neither.
 * - `failing`: calls failed, whatever the shares.
 */
export type Outcome = 'balanced' | 'pinned' | 'off' | 'failing';

/** One way, measured. Field names up to `verdict` are a contract: scripts read them. */
export interface WayReport {
  readonly way: Way;
  readonly calls: number;
  readonly errors: number;
  readonly pods: readonly PodReport[];
  /** Of the calls by pod against the expected shares. */
  readonly chiSquare: number;
  readonly pValue: number;
  readonly verdict: string;
  readonly outcome: Outcome;
  /** The outcome is the one that the way is known for. */
  readonly asExpected: boolean;
  /** Who chooses the pod, as a phrase. */
  readonly balancedBy: string;
  /** How a call gets to a pod on this way. */
  readonly how: string;
  readonly latency: Latency;
  readonly callsPerSecond: number;
  readonly failures: readonly { readonly reason: string; readonly calls: number }[];
}

/** The whole experiment. `ways` is a contract: scripts read it. */
export interface LabReport {
  /** `namespace/name` of the Service. */
  readonly service: string;
  /** `ip:port` that callers dial. */
  readonly clusterIp: string;
  /** Gives the same choices again with `--seed`. */
  readonly seed: number;
  readonly ways: readonly WayReport[];
  readonly skipped: readonly { readonly way: Way; readonly reason: string }[];
}

export function isAsExpected(report: LabReport): boolean {
  return report.ways.every((way) => way.asExpected);
}
