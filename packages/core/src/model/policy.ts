/** What of a call decides its place on a hash ring. */
export type HashKey =
  | { readonly kind: 'header'; readonly name: string }
  /** A cookie of this name; with `ttlMs`, one is made for callers without (0 = as long as the caller's session). */
  | {
      readonly kind: 'cookie';
      readonly name: string;
      readonly path?: string;
      readonly ttlMs?: number;
      /** Of the cookie that is made; those without a value have an empty one. */
      readonly attributes?: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'source-address' }
  | { readonly kind: 'query-parameter'; readonly name: string };

/**
 * How a cluster's endpoints share its calls: the meaning of DestinationRule `loadBalancer`.
 * UNSPECIFIED and LEAST_CONN are LEAST_REQUEST (Istio ≥ 1.14), which is the better of two random choices (Envoy's P2C).
 */
export type LoadBalancerPolicy =
  | ChoosingPolicy
  /** Calls go to the address that their caller means: the Service's own, or that of one endpoint (Envoy: ORIGINAL_DST). */
  | { readonly kind: 'PASSTHROUGH' };

/** One that chooses an endpoint by itself: anybody who has endpoints can balance by it. */
export type ChoosingPolicy =
  | { readonly kind: 'RANDOM' }
  | { readonly kind: 'ROUND_ROBIN' }
  | { readonly kind: 'LEAST_REQUEST'; readonly choiceCount: number }
  | { readonly kind: 'RING_HASH'; readonly minimumRingSize: number; readonly key: HashKey }
  /** `tableSize` is prime. */
  | { readonly kind: 'MAGLEV'; readonly tableSize: number; readonly key: HashKey };

export const DEFAULT_LOAD_BALANCER: ChoosingPolicy & { readonly kind: 'LEAST_REQUEST' } = {
  kind: 'LEAST_REQUEST',
  choiceCount: 2,
};
