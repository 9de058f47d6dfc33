import {
  type BackendWeightOptions,
  DEFAULT_WEIGHTED_ROUND_ROBIN,
  LOAD_REPORT_TRAILER,
  parseLoadReport,
} from '@steelyard/core/balance';
import type { Cluster } from '@steelyard/core/model';
import { fieldName, type HeaderBlock } from '@steelyard/http2';
import type { AttemptObserver } from '../calls/call.ts';
import type { ClusterMember } from './cluster-member.ts';

/** What the policy of a cluster learns from the responses of a member; `undefined` when it learns nothing. */
export function observerOf(
  { extensions }: Cluster,
  member: ClusterMember,
  now: () => number,
): AttemptObserver | undefined {
  const { policy } = extensions ?? {};
  switch (policy?.kind) {
    case 'PEAK_EWMA':
      return new LatencyGauge(member, now);
    case 'WEIGHTED_ROUND_ROBIN':
      return new LoadGauge(member, now);
    case undefined:
      return undefined;
    default:
      return policy satisfies never;
  }
}

const OK = '0';

/**
 * Time to the header of a response, which is what a pod's speed is for calls of any length (linkerd's `first-byte` sampling).
 * A header that is all of the response is judged with the status that it carries, as the end of the attempt.
 */
class LatencyGauge implements AttemptObserver {
  readonly #member: ClusterMember;
  readonly #now: () => number;

  constructor(member: ClusterMember, now: () => number) {
    this.#member = member;
    this.#now = now;
  }

  onHeader(us: number, { grpcStatus }: HeaderBlock, endStream: boolean): void {
    if (!endStream || grpcStatus?.text === OK) this.#member.latency.observe(us / 1000, this.#now());
  }

  onTrailers(): void {
    // How a call ends says nothing of the time to its beginning.
  }
}

const TRAILER = fieldName(LOAD_REPORT_TRAILER);
const OPTIONS: BackendWeightOptions = DEFAULT_WEIGHTED_ROUND_ROBIN;

/** Load reports at the end of calls (gRFC A51, "Per-Query Load Reporting"). */
class LoadGauge implements AttemptObserver {
  readonly #member: ClusterMember;
  readonly #now: () => number;

  constructor(member: ClusterMember, now: () => number) {
    this.#member = member;
    this.#now = now;
  }

  onHeader(_us: number, block: HeaderBlock, endStream: boolean): void {
    if (endStream) this.#read(block);
  }

  onTrailers(block: HeaderBlock): void {
    this.#read(block);
  }

  #read({ fields, count }: HeaderBlock): void {
    for (let at = 0; at < count; at++) {
      const field = fields[at];
      if (field?.name !== TRAILER) continue;
      const report = parseLoadReport(Buffer.from(field.text, 'base64'));
      if (report !== undefined) this.#member.backendWeight.report(report, OPTIONS, this.#now());
    }
  }
}
