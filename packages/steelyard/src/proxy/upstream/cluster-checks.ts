import { ProbeState } from '@steelyard/core/health';
import type { ActiveHealthCheck, Cluster } from '@steelyard/core/model';
import type { Engine } from '../transport/engine.ts';
import type { ClusterMember } from './cluster-member.ts';
import { HealthProber, type ProbeResult } from './health-prober.ts';

/** What a check of a member has found, and whether the member goes or comes back for it. */
type OnChecked = (member: ClusterMember, passed: boolean, isTurn: boolean) => void;

/** The active health checks of a cluster's members, as far as its annotations ask for any. */
export class ClusterChecks {
  readonly #engine: Engine;
  readonly #onChecked: OnChecked;
  readonly #probers = new Map<ClusterMember, HealthProber>();
  /** Of the settings that the probers go by. */
  #key: string | undefined = undefined;

  constructor(engine: Engine, onChecked: OnChecked) {
    this.#engine = engine;
    this.#onChecked = onChecked;
  }

  /** Those that were checked in the same way go on as they are. */
  follow(cluster: Cluster, members: readonly ClusterMember[]): void {
    const check = cluster.extensions?.healthCheck;
    if (check === undefined && this.#probers.size === 0) return;
    const key = JSON.stringify(check);
    const staying = new Set(members);
    for (const [member, prober] of this.#probers) {
      if (key === this.#key && staying.has(member)) continue;
      prober.close();
      this.#probers.delete(member);
      if (check === undefined) member.probe = undefined;
    }
    this.#key = key;
    if (check === undefined) return;
    for (const member of members) {
      if (!this.#probers.has(member)) this.#probers.set(member, this.#begin(member, check, cluster));
    }
  }

  tick(now: number): void {
    for (const prober of this.#probers.values()) prober.tick(now);
  }

  close(): void {
    for (const prober of this.#probers.values()) prober.close();
    this.#probers.clear();
  }

  #begin(member: ClusterMember, check: ActiveHealthCheck, { name, host, port }: Cluster): HealthProber {
    const probe = (member.probe ??= new ProbeState());
    const target = { endpoint: member.endpoint, check, authority: `${host}:${port}` };
    return new HealthProber(target, this.#engine, ({ passed, why }: ProbeResult) => {
      const isTurn = probe.record(passed, check);
      if (isTurn) {
        const { log } = this.#engine;
        if (passed) log.info(`${member.key} of ${name} is healthy again`);
        else log.warn(`${member.key} of ${name} is unhealthy: ${why}`);
      }
      this.#onChecked(member, passed, isTurn);
    });
  }
}
