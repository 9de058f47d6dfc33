import { status } from '@grpc/grpc-js';

const CANCELLED: number = status.CANCELLED;

/** What the end of a call says about the endpoint that had it. */
export type CallOutcome = 'good' | 'bad' | 'abandoned';

/** Statuses that a healthy endpoint does not give; all others are the caller's own doing or an answer of the application. */
const BAD: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** gRFC A50 takes every status but OK for a failure, upon which a lookup of missing things ejects its best server. */
export function callOutcome(code: number): CallOutcome {
  if (code === CANCELLED) return 'abandoned';
  return BAD.has(code) ? 'bad' : 'good';
}
