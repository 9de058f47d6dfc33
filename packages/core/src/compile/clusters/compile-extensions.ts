import {
  type AnnotationSettings,
  type AppliedAnnotation,
  type Cluster,
  type ClusterExtensions,
  DEFAULT_LOAD_BALANCER,
  type ExtendedPolicy,
  type ChoosingPolicy,
  type ObjectRef,
} from '../../model/index.ts';
import type { TrafficPolicySettings } from '../../config/index.ts';

/** The annotations of one object. */
export interface OwnedAnnotations {
  readonly object: ObjectRef;
  readonly settings: AnnotationSettings;
}

type Balancing = Pick<Cluster, 'loadBalancer' | 'extensions' | 'annotations'>;

/**
 * What annotations make of a cluster (docs/annotations.md). Each setting is the first one's that says it: those of the
 * DestinationRules, which come first, then the Service's. A `loadBalancer` that names a policy stands between them: it is
 * the DestinationRule's word, which its own annotation replaces and which the Service's does not.
 */
export function compileExtensions(
  rules: readonly OwnedAnnotations[],
  service: OwnedAnnotations | undefined,
  policy: TrafficPolicySettings,
): Balancing {
  const owners = service === undefined ? rules : [...rules, service];
  const applied: AppliedAnnotation[] = [];
  const firstOf = <K extends keyof AnnotationSettings>(
    setting: K,
    among = owners,
  ): AnnotationSettings[K] | undefined => {
    const owner = among.find(({ settings }) => settings[setting] !== undefined);
    if (owner === undefined) return undefined;
    applied.push({ setting, object: owner.object });
    return owner.settings[setting];
  };
  const named = policy.loadBalancer !== undefined && policy.unspecified === undefined;
  const chosen = firstOf('policy', named ? rules : owners);
  const extensions = withoutGaps({
    policy: isExtended(chosen) ? chosen : undefined,
    subsetSize: unlessOff(firstOf('subsetSize')),
    healthCheck: unlessOff(firstOf('healthCheck')),
    hedging: unlessOff(firstOf('hedging')),
    successRate: unlessOff(firstOf('successRate')),
    failurePercentage: unlessOff(firstOf('failurePercentage')),
  });
  return {
    loadBalancer: isExtended(chosen) || chosen === undefined ? (policy.loadBalancer ?? DEFAULT_LOAD_BALANCER) : chosen,
    ...(extensions !== undefined && { extensions }),
    ...(applied.length > 0 && { annotations: applied }),
  };
}

function isExtended(policy: ChoosingPolicy | ExtendedPolicy | undefined): policy is ExtendedPolicy {
  return policy?.kind === 'PEAK_EWMA' || policy?.kind === 'WEIGHTED_ROUND_ROBIN';
}

function unlessOff<T>(value: T | 'off' | undefined): T | undefined {
  return value === 'off' ? undefined : value;
}

type Flat = Omit<ClusterExtensions, 'rateEjections'> & NonNullable<ClusterExtensions['rateEjections']>;

function withoutGaps(flat: { [K in keyof Flat]-?: Flat[K] | undefined }): ClusterExtensions | undefined {
  const { policy, subsetSize, healthCheck, hedging, successRate, failurePercentage } = flat;
  const rateEjections = {
    ...(successRate !== undefined && { successRate }),
    ...(failurePercentage !== undefined && { failurePercentage }),
  };
  const extensions = {
    ...(policy !== undefined && { policy }),
    ...(subsetSize !== undefined && { subsetSize }),
    ...(healthCheck !== undefined && { healthCheck }),
    ...(hedging !== undefined && { hedging }),
    ...(Object.keys(rateEjections).length > 0 && { rateEjections }),
  };
  return Object.keys(extensions).length > 0 ? extensions : undefined;
}
