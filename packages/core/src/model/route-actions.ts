/** What is done to a header block: first removed, then set, then added (Envoy, `HeaderParser::evaluateHeaders`). */
export interface HeaderOperations {
  /** Name in lower case and value; replaces what is there. */
  readonly set: readonly (readonly [string, string])[];
  readonly add: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

export interface HeaderRules {
  readonly request: HeaderOperations;
  readonly response: HeaderOperations;
}

/** A route that answers by itself. */
export type RouteAnswer =
  | {
      readonly kind: 'redirect';
      /** 301, 302, 303, 307 or 308 */
      readonly status: number;
      /** Replaces the path. */
      readonly uri?: string;
      /** Replaces the matched prefix of the path. */
      readonly prefixRewrite?: string;
      readonly authority?: string;
      readonly port?: number | 'from-protocol' | 'from-request';
      readonly scheme?: string;
    }
  | { readonly kind: 'direct'; readonly status: number; readonly body: string };

export interface Rewrite {
  /**
   * - `prefix`: replaces the prefix that the rule matched; the whole path where it matched the path exactly or by a
   *   regular expression, or had no condition on it.
   * - `regex`: every match of an RE2 pattern; `\1` is its first group.
   */
  readonly path?:
    | { readonly kind: 'prefix'; readonly text: string }
    | { readonly kind: 'regex'; readonly pattern: string; readonly substitution: string };
  readonly authority?: string;
}

/** Words of `retryOn`. Those of gRPC are statuses; the others are Envoy's HTTP conditions. */
export type RetryCondition =
  | '5xx'
  | 'gateway-error'
  | 'reset'
  | 'reset-before-request'
  | 'connect-failure'
  | 'retriable-4xx'
  | 'refused-stream'
  | 'retriable-status-codes'
  | 'retriable-headers'
  | 'envoy-ratelimited'
  | 'http3-post-connect-failure'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'internal'
  | 'resource-exhausted'
  | 'unavailable';

export interface RetryPolicy {
  /** After the first; 0 is never. */
  readonly attempts: number;
  /** Absent: as long as the call. */
  readonly perTryTimeoutMs?: number;
  readonly retryOn: readonly RetryCondition[];
  /** HTTP statuses named in `retryOn` by number. */
  readonly statusCodes: readonly number[];
  /** First interval of the exponential backoff, which ends at ten times it. */
  readonly backoffMs: number;
  readonly retryRemoteLocalities: boolean;
  /** Never the same endpoint twice while there is another. */
  readonly retryIgnorePreviousHosts: boolean;
}

/** Istio's built-in policy, for routes that say nothing of retries (istio.io, `HTTPRetry`). */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 2,
  retryOn: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled'],
  statusCodes: [],
  backoffMs: 25,
  retryRemoteLocalities: false,
  retryIgnorePreviousHosts: true,
};

export interface Fault {
  /** `percent` is of calls, 0–100. */
  readonly delay?: { readonly fixedDelayMs: number; readonly percent: number };
  readonly abort?: {
    readonly status:
      | { readonly kind: 'grpc'; readonly code: number }
      | { readonly kind: 'http'; readonly status: number };
    readonly percent: number;
  };
}

/** A copy of calls whose answers nobody waits for. */
export interface Mirror {
  /** Key of `Snapshot.clusters`. */
  readonly cluster: string;
  /** Of calls, 0–100. */
  readonly percent: number;
  /** In kubectl's spelling: the field of the rule that it is. */
  readonly path?: string;
}
