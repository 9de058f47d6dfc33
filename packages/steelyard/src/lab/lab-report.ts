import type { Way } from './way.ts';
import type { WayReport } from './way-report.ts';

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
