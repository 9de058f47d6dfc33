/** Whose balancing, and what it is told to do. */
export type Proxy = 'steelyard' | 'envoy';
export type Policy = 'LEAST_REQUEST' | 'ROUND_ROBIN';

export interface SubjectKind {
  readonly proxy: Proxy;
  readonly policy: Policy;
  /** With our annotations: what Istio has no field for. */
  readonly terms: boolean;
  /** Istio's default policy; else no call is tried again, so that what is seen is the balancing. */
  readonly retries: boolean;
}

export function subjectName({ proxy, policy, terms }: SubjectKind): string {
  return `${proxy} ${terms ? 'with gRPC terms' : policy}`;
}

/** The same for both: `outlierDetection` of a DestinationRule, and what Istio makes of it for Envoy. */
export const OUTLIER_DETECTION = {
  consecutive5xxErrors: 5,
  interval: '1s',
  baseEjectionTime: '30s',
  maxEjectionPercent: 50,
} as const;
