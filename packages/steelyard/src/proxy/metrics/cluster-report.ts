/** What a cluster's policies have made of its endpoints; plain data, as all reports. */
export interface ClusterReport {
  /** As Istio names it. */
  readonly name: string;
  readonly policy: string;
  /** Calls under way. */
  readonly active: number;
  /** Calls that no pod has: they wait for a connection to be made, or for room at one. */
  readonly waiting: number;
  /** Calls (or connections) that circuit breakers have refused, by the limit's name. */
  readonly refused: Readonly<Record<string, number>>;
  /** Limits that are reached now. */
  readonly open: readonly string[];
  readonly members: readonly MemberReport[];
}

export interface MemberReport {
  /** `ip:port` */
  readonly key: string;
  readonly ejected: boolean;
  /** How often it was. */
  readonly ejections: number;
  /** What active checks say; absent: there are none. */
  readonly probe: 'unchecked' | 'healthy' | 'unhealthy' | undefined;
  /** The part of a full share that it gets, 0–1: below 1 while it is new. */
  readonly warmth: number;
  /** Factor from 1 by which its load counts, as its calls fail. */
  readonly handicap: number;
  /** What its load reports make of it (gRFC A58); 0: there are none to go by. */
  readonly weight: number;
  /** What a call is expected to take there (PEAK_EWMA), in milliseconds; absent: the policy does not go by it. */
  readonly expectedMs?: number;
}

/** Processes judge for themselves: what one of them has ejected counts as ejected. */
export function mergeClusters(reports: readonly (readonly ClusterReport[])[]): ClusterReport[] {
  const merged = new Map<string, ClusterReport>();
  for (const report of reports.flat()) {
    const known = merged.get(report.name);
    merged.set(report.name, known === undefined ? report : mergeTwo(known, report));
  }
  return [...merged.values()];
}

/** What remains of a process that has ended. */
export function settleClusters(reports: readonly ClusterReport[]): ClusterReport[] {
  return reports.map((report) => ({
    ...report,
    active: 0,
    waiting: 0,
    open: [],
    members: report.members.map((member) => ({
      ...member,
      ejected: false,
      probe: undefined,
      warmth: 1,
      handicap: 1,
      weight: 0,
    })),
  }));
}

function mergeTwo(one: ClusterReport, other: ClusterReport): ClusterReport {
  const members = new Map(one.members.map((member) => [member.key, member]));
  for (const member of other.members) {
    const known = members.get(member.key);
    members.set(member.key, known === undefined ? member : mergeMembers(known, member));
  }
  const limits = new Set([...Object.keys(one.refused), ...Object.keys(other.refused)]);
  return {
    name: one.name,
    policy: other.policy,
    active: one.active + other.active,
    waiting: one.waiting + other.waiting,
    refused: Object.fromEntries(
      Array.from(limits, (limit) => [limit, (one.refused[limit] ?? 0) + (other.refused[limit] ?? 0)]),
    ),
    open: [...new Set([...one.open, ...other.open])],
    members: [...members.values()],
  };
}

function mergeMembers(one: MemberReport, other: MemberReport): MemberReport {
  return {
    key: one.key,
    ejected: one.ejected || other.ejected,
    ejections: one.ejections + other.ejections,
    probe: one.probe === 'unhealthy' ? one.probe : (other.probe ?? one.probe),
    warmth: Math.min(one.warmth, other.warmth),
    handicap: Math.max(one.handicap, other.handicap),
    ...(other.expectedMs !== undefined && { expectedMs: Math.max(one.expectedMs ?? 0, other.expectedMs) }),
    weight: one.weight > 0 && other.weight > 0 ? (one.weight + other.weight) / 2 : one.weight + other.weight,
  };
}
