import { DEFAULT_LATENCY, DEFAULT_WEIGHTED_ROUND_ROBIN } from '@steelyard/core/balance';
import type { OutlierDetectionOptions } from '@steelyard/core/health';
import { DEFAULT_OUTLIER_DETECTION } from '@steelyard/core/health';
import type { AnnotationSettings } from '@steelyard/core/model';
import { DEFAULT_LOAD_BALANCER } from '@steelyard/core/model';
import type { BalancerConfig, BalancerPolicy } from '../balance/policy-config.ts';
import { MAGLEV_TABLE_SIZE, parsePolicyConfig, PolicyConfig } from '../balance/policy-config.ts';

export interface AnnotatedPolicy {
  /** Absent: the annotations do not ask for anything that a caller does. */
  readonly policy?: PolicyConfig;
  /** What is asked for but not to be had in a caller, as sentences. */
  readonly problems: readonly string[];
}

/** What the annotations of a Service (docs/annotations.md) mean to a caller. */
export function readAnnotatedPolicy(settings: AnnotationSettings): AnnotatedPolicy {
  const problems: string[] = [];
  if (settings.hedging !== undefined && settings.hedging !== 'off') {
    problems.push(
      'Annotation steelyard.dev/hedging has no effect in this caller: set hedgingPolicy in its service config.',
    );
  }
  if (settings.healthCheck !== undefined && settings.healthCheck !== 'off') {
    problems.push('Annotation steelyard.dev/health-check has no effect in this caller: readiness and outliers decide.');
  }
  if (settings.policy?.kind === 'MAGLEV' && settings.policy.tableSize !== MAGLEV_TABLE_SIZE) {
    problems.push(
      `The table-size of annotation steelyard.dev/load-balancer has no effect in this caller: it is ${MAGLEV_TABLE_SIZE}.`,
    );
  }
  const outlierDetection = outlierDetectionOf(settings);
  const { policy, subsetSize } = settings;
  const subset = typeof subsetSize === 'number' ? subsetSize : undefined;
  if (policy === undefined && subset === undefined && outlierDetection === undefined) return { problems };
  const traits = {
    ...(subset !== undefined && { subsetSize: subset }),
    ...(outlierDetection && { outlierDetection }),
  };
  const wanted = configOf({ policy: balancerPolicy(policy ?? DEFAULT_LOAD_BALANCER), ...traits });
  if (typeof wanted !== 'string') return { policy: wanted, problems };
  problems.push(`Annotation steelyard.dev/load-balancer has no effect in this caller: ${wanted}.`);
  const rest = configOf({ policy: DEFAULT_LOAD_BALANCER, ...traits });
  return { ...(Object.keys(traits).length > 0 && typeof rest !== 'string' && { policy: rest }), problems };
}

function balancerPolicy(policy: NonNullable<AnnotationSettings['policy']>): BalancerPolicy {
  if (policy.kind === 'PEAK_EWMA') return { kind: policy.kind, latency: DEFAULT_LATENCY };
  if (policy.kind === 'WEIGHTED_ROUND_ROBIN') return { kind: policy.kind, options: DEFAULT_WEIGHTED_ROUND_ROBIN };
  return policy;
}

/** What grpc-js can read again, or why it cannot: a config that it rejects would take the addresses with it. */
function configOf(config: BalancerConfig): PolicyConfig | string {
  try {
    const made = new PolicyConfig(config);
    parsePolicyConfig(made.getLoadBalancerName(), made.toJsonObject()[made.getLoadBalancerName()]);
    return made;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function outlierDetectionOf({
  successRate,
  failurePercentage,
}: AnnotationSettings): OutlierDetectionOptions | undefined {
  const isSet = <T extends object>(value: T | 'off' | undefined): value is T => value !== undefined && value !== 'off';
  if (!isSet(successRate) && !isSet(failurePercentage)) return undefined;
  const { consecutiveFailures: _, ...options } = DEFAULT_OUTLIER_DETECTION;
  return {
    ...options,
    ...(isSet(successRate) && { successRate: { ...successRate, enforcementPercentage: 100 } }),
    ...(isSet(failurePercentage) && { failurePercentage: { ...failurePercentage, enforcementPercentage: 100 } }),
  };
}
