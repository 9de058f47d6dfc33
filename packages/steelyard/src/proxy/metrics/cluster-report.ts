/** What a cluster's policies have made of its endpoints; plain data, as all reports. */
export interface ClusterReport {
  /** As Istio names it. */
  readonly name: string;
  readonly policy: string;
  /** Calls under way. */
  readonly active: number;
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
  /** It is new, and has not its full share yet. */
  readonly warming: boolean;
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
    open: [],
    members: report.members.map((member) => ({ ...member, ejected: false, probe: undefined, warming: false })),
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
    warming: one.warming || other.warming,
  };
}
