import {
  type Balanced,
  createClusterPicker,
  createPeakEwmaPicker,
  createPicker,
  createSlowStartPicker,
  createWeightedRoundRobinPicker,
  DEFAULT_WEIGHTED_ROUND_ROBIN,
  healthyPool,
  type Picker,
  type Random,
  type SlowStartOptions,
  slowStartShare,
} from '@steelyard/core/balance';
import type { Cluster } from '@steelyard/core/model';
import type { ClusterMember } from './cluster-member.ts';

/** What the pickers of a process share. */
export interface PickerSources {
  readonly random: Random;
  /** Milliseconds, never going back. */
  readonly now: () => number;
}

/** The name of the policy that a cluster's calls are shared by. */
export function policyName({ loadBalancer, extensions }: Pick<Cluster, 'loadBalancer' | 'extensions'>): string {
  return extensions?.policy?.kind ?? loadBalancer.kind;
}

/** Its policy goes by what a call says. */
export function isHashing(cluster: Pick<Cluster, 'loadBalancer' | 'extensions' | 'toServiceAddress'>): boolean {
  const { loadBalancer, extensions } = cluster;
  if (extensions?.policy !== undefined) return false;
  return loadBalancer.kind === 'RING_HASH' || loadBalancer.kind === 'MAGLEV' || isPinning(cluster);
}

/** A call that says which endpoint it means goes there or nowhere. */
export function isPinning({
  loadBalancer,
  toServiceAddress,
}: Pick<Cluster, 'loadBalancer' | 'toServiceAddress'>): boolean {
  return loadBalancer.kind === 'PASSTHROUGH' && toServiceAddress !== true;
}

/**
 * The members that calls may go to, beside all of them. Active checks that find nobody healthy are taken to be wrong: the
 * pods' readiness probes say otherwise. What is ejected stays out, as far as `minHealthPercent` allows.
 */
export function membersInUse(
  cluster: Cluster,
  members: readonly ClusterMember[],
  minHealthPercent: number,
): readonly (ClusterMember | undefined)[] {
  const isProbed = members.some((member) => !member.isUnhealthy);
  const isHealthy = (member: ClusterMember): boolean => !member.isEjected && !(isProbed && member.isUnhealthy);
  return healthyPool(members, isHealthy, cluster.localities, minHealthPercent);
}

/** A picker of the cluster's policy. @param inUse beside `cluster.endpoints` @param previous the one before it */
export function createMemberPicker(
  cluster: Cluster,
  inUse: readonly (ClusterMember | undefined)[],
  sources: PickerSources,
  previous?: Picker<Balanced>,
): Picker<ClusterMember> {
  const { random, now } = sources;
  const options = slowStartOf(cluster);
  return createClusterPicker(
    cluster,
    inUse,
    random,
    (members, before) => {
      const picker = createPolicyPicker(cluster, members, sources, before);
      if (options === undefined || !isWarming(members, options.windowMs, now())) return picker;
      return createSlowStartPicker(picker, members, options, random, now);
    },
    previous,
  );
}

/** The part of a full share that a member gets, 0–1. */
export function warmthOf(cluster: Cluster, { startedAtMs }: ClusterMember, nowMs: number): number {
  const options = slowStartOf(cluster);
  return options === undefined ? 1 : slowStartShare(nowMs - startedAtMs, options);
}

/** `undefined` where newcomers have their share at once. */
function slowStartOf(cluster: Cluster): SlowStartOptions | undefined {
  const { warmup } = cluster;
  if (warmup === undefined || isHashing(cluster)) return undefined;
  const { durationMs: windowMs, aggression, minimumPercent } = warmup;
  return { windowMs, aggression, minimumShare: minimumPercent / 100 };
}

/** Whether any of them is new. */
export function isWarming(members: readonly ClusterMember[], durationMs: number, nowMs: number): boolean {
  return members.some(({ startedAtMs }) => nowMs - startedAtMs < durationMs);
}

function createPolicyPicker(
  { loadBalancer, extensions }: Cluster,
  members: readonly ClusterMember[],
  { random, now }: PickerSources,
  previous: Picker<Balanced> | undefined,
): Picker<ClusterMember> {
  const { policy } = extensions ?? {};
  switch (policy?.kind) {
    case 'PEAK_EWMA':
      return createPeakEwmaPicker(members, random, now);
    case 'WEIGHTED_ROUND_ROBIN':
      return createWeightedRoundRobinPicker(members, DEFAULT_WEIGHTED_ROUND_ROBIN, random, now);
    case undefined:
      return createPicker(loadBalancer, members, random, previous);
    default:
      return policy satisfies never;
  }
}
