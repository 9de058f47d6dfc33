import type { ObjectRef } from './diagnostic.ts';
import type { ChoosingPolicy } from './policy.ts';

/** How a cluster's endpoints share its calls where Istio has no word for it. Takes the place of `loadBalancer`. */
export type ExtendedPolicy =
  /** The better of two random choices by latency and calls under way. */
  | { readonly kind: 'PEAK_EWMA' }
  /** By what the pods say of their load in trailers (gRFC A51, A58). */
  | { readonly kind: 'WEIGHTED_ROUND_ROBIN' };

/** Active health checks by `grpc.health.v1`. */
export interface ActiveHealthCheck {
  /** Asked for; empty is the server as a whole. */
  readonly service: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many failures in a row take an endpoint out. */
  readonly unhealthyThreshold: number;
  /** So many successes in a row let it back in. */
  readonly healthyThreshold: number;
}

/** gRFC A6's hedging: the same call again to another pod when no answer has begun, the first to answer wins. */
export interface Hedging {
  /** The first included: 2 to 5. */
  readonly maxAttempts: number;
  readonly delayMs: number;
}

/** When there is enough to compare (gRFC A50), counted over one `outlierDetection.intervalMs`. */
export interface EjectionSample {
  /** So many endpoints must have had `requestVolume` calls, or nobody is ejected. */
  readonly minimumHosts: number;
  /** Calls an endpoint must have had to be looked at. */
  readonly requestVolume: number;
}

/** Success rate below mean − stdev × `stdevFactor` / 1000. */
export interface SuccessRateEjection extends EjectionSample {
  readonly stdevFactor: number;
}

/** More than `threshold` percent failed. */
export interface FailurePercentageEjection extends EjectionSample {
  readonly threshold: number;
}

/** Ejection by comparison with the other endpoints (gRFC A50), beside what `outlierDetection` says. */
export interface RateEjections {
  readonly successRate?: SuccessRateEjection;
  readonly failurePercentage?: FailurePercentageEjection;
}

/** What annotations of a Service or a DestinationRule ask for beyond Istio's fields (docs/annotations.md). */
export interface ClusterExtensions {
  readonly policy?: ExtendedPolicy;
  /** Random subsetting (gRFC A68): each proxy uses so many of the endpoints. */
  readonly subsetSize?: number;
  readonly healthCheck?: ActiveHealthCheck;
  readonly hedging?: Hedging;
  readonly rateEjections?: RateEjections;
}

/** What the annotations of one object say, each as far as it is there. `off` is said, too: it ends what a Service asks for. */
export interface AnnotationSettings {
  readonly policy?: ChoosingPolicy | ExtendedPolicy;
  readonly subsetSize?: number | 'off';
  readonly healthCheck?: ActiveHealthCheck | 'off';
  readonly hedging?: Hedging | 'off';
  readonly successRate?: SuccessRateEjection | 'off';
  readonly failurePercentage?: FailurePercentageEjection | 'off';
}

/** An annotation that holds for a cluster, and whose it is. */
export interface AppliedAnnotation {
  /** The key of {@link AnnotationSettings}. */
  readonly setting: keyof AnnotationSettings;
  readonly object: ObjectRef;
}
