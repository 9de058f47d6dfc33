/**
 * How a cluster's endpoints share its calls: the meaning of DestinationRule `loadBalancer.simple`.
 * UNSPECIFIED and LEAST_CONN are LEAST_REQUEST (Istio ≥ 1.14), which is the better of two random choices (Envoy's P2C).
 */
export type LoadBalancerPolicy =
  | { readonly kind: 'RANDOM' }
  | { readonly kind: 'ROUND_ROBIN' }
  | { readonly kind: 'LEAST_REQUEST'; readonly choiceCount: number };

export const DEFAULT_LOAD_BALANCER: LoadBalancerPolicy = { kind: 'LEAST_REQUEST', choiceCount: 2 };
