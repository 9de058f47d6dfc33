/** How an attempt at an endpoint came to its end. */
export type AttemptEnd =
  /** The endpoint's own response is complete: its status says how. */
  | 'answered'
  /** No connection, a lost one, or a reset by the endpoint. */
  | 'broken'
  /** The call's time was over before a response began. */
  | 'timeout'
  /** The caller went, or the endpoint did not take the call as it is about to leave: nothing to learn. */
  | 'unsaid';

/** What an attempt says about the endpoint that had it. */
export type AttemptOutcome =
  /** It works: OK, or a status that is the request's own doing. */
  | 'good'
  /** UNAVAILABLE and DEADLINE_EXCEEDED, which are HTTP's 503 and 504. */
  | 'gateway'
  /** UNKNOWN, INTERNAL and DATA_LOSS, which are HTTP's 500. */
  | 'server'
  /** RESOURCE_EXHAUSTED, HTTP's 429: it works, but refuses. */
  | 'overload'
  /** No response came: Envoy's failures of local origin. */
  | 'local'
  | 'none';

/** By gRPC's status code. */
const OF_STATUS: readonly AttemptOutcome[] = [
  'good', // OK
  'none', // CANCELLED
  'server', // UNKNOWN
  'good', // INVALID_ARGUMENT
  'gateway', // DEADLINE_EXCEEDED
  'good', // NOT_FOUND
  'good', // ALREADY_EXISTS
  'good', // PERMISSION_DENIED
  'overload', // RESOURCE_EXHAUSTED
  'good', // FAILED_PRECONDITION
  'good', // ABORTED
  'good', // OUT_OF_RANGE
  'good', // UNIMPLEMENTED: 501 to Envoy, but it is the request that names what is not there
  'server', // INTERNAL
  'gateway', // UNAVAILABLE
  'server', // DATA_LOSS
  'good', // UNAUTHENTICATED
];

/**
 * The statuses that mean a sick endpoint are those that Envoy maps to HTTP's 5xx (`Grpc::Utility::grpcToHttpStatus`), but
 * for UNIMPLEMENTED. Envoy sees a status only in the response's header; here it counts wherever it comes.
 *
 * @param status gRPC's code; what is no code counts as UNKNOWN
 */
export function outcomeOf(end: AttemptEnd, status: number): AttemptOutcome {
  switch (end) {
    case 'answered':
      return OF_STATUS[status] ?? 'server';
    case 'broken':
      // ENHANCE_YOUR_CALM is a refusal like any other of its status.
      return status === RESOURCE_EXHAUSTED ? 'overload' : 'local';
    case 'timeout':
      return 'local';
    case 'unsaid':
      return 'none';
    default:
      return end satisfies never;
  }
}

const RESOURCE_EXHAUSTED = 8;

/** Whether the call was of no use to its caller by the endpoint's fault. */
export function isFailure(outcome: AttemptOutcome): boolean {
  return outcome !== 'good' && outcome !== 'none';
}
