/** Limits on connections and calls to a cluster. Absent is no limit; times are absent where Istio leaves the default. */
export interface ConnectionPool {
  readonly maxConnections?: number;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
  readonly maxConnectionDurationMs?: number;
  readonly tcpKeepalive?: { readonly probes?: number; readonly timeMs?: number; readonly intervalMs?: number };
  /** Calls that wait for a connection (`http1MaxPendingRequests`, of HTTP/2 too). */
  readonly maxPendingRequests?: number;
  /** Calls under way (`http2MaxRequests`). */
  readonly maxRequests?: number;
  /** Calls a connection takes before it is drained; 0 is no limit. */
  readonly maxRequestsPerConnection?: number;
  readonly maxRetries?: number;
  /** Default 1 h; 0 is for ever. */
  readonly idleTimeoutMs?: number;
  readonly maxConcurrentStreams?: number;
  readonly http2KeepAlive?: { readonly intervalMs?: number; readonly timeoutMs?: number };
}

/** When an endpoint is left out for a while (istio.io, `OutlierDetection`), with Istio's defaults filled in. */
export interface OutlierDetection {
  /** 0 is never. */
  readonly consecutive5xxErrors: number;
  /** 0 is never. */
  readonly consecutiveGatewayErrors: number;
  readonly splitExternalLocalOriginErrors: boolean;
  /** Counts only when split. */
  readonly consecutiveLocalOriginFailures: number;
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  /** 0–100 */
  readonly maxEjectionPercent: number;
  /** 0–100; below it ejection is off and all endpoints are used. */
  readonly minHealthPercent: number;
}

export interface RetryBudget {
  /** Retries under way, of the calls under way: 0–100. */
  readonly percent: number;
  readonly minRetryConcurrency: number;
  /** `percent` is of the attempts begun within this time, in place of the calls under way. Absent: 0. */
  readonly intervalMs?: number;
}

export interface Warmup {
  readonly durationMs: number;
  /** 0–100 */
  readonly minimumPercent: number;
  /** At least 1; more ramps faster at first. */
  readonly aggression: number;
}

export interface TlsSettings {
  readonly mode: 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL';
  readonly clientCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
  readonly caCrl?: string;
  readonly credentialName?: string;
  readonly subjectAltNames: readonly string[];
  readonly sni?: string;
  readonly insecureSkipVerify: boolean;
}
