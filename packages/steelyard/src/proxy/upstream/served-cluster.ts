import { DEFAULT_WEIGHTED_ROUND_ROBIN, type Picker, subsetOf } from '@steelyard/core/balance';
import { type AttemptEnd, isFailure, outcomeOf } from '@steelyard/core/health';
import type { Cluster, Endpoint, LocalityGroup } from '@steelyard/core/model';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import type { ClusterReport } from '../metrics/cluster-report.ts';
import { RetryBudget } from '../retries/retry-budget.ts';
import type { Engine } from '../transport/engine.ts';
import type { Ticking } from '../transport/ticker.ts';
import { CallLine } from './call-line.ts';
import { CircuitBreaker, type ClusterLoad } from './circuit-breaker.ts';
import { ClusterChecks } from './cluster-checks.ts';
import { ClusterMember, type MemberOwner } from './cluster-member.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { Judge } from './judge.ts';
import {
  createMemberPicker,
  isHashing,
  isPinning,
  isWarming,
  membersInUse,
  policyName,
  warmthOf,
} from './member-picker.ts';
import { observerOf } from './response-gauge.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Calls that stand in line when no rule says how many may: Envoy's default (`max_pending_requests`). */
const LONGEST_LINE = 1024;

/** Who has the endpoints that clusters share. */
export interface EndpointSource {
  plan(cluster: Cluster): ConnectionPlan;
  /** One use more of it. */
  acquire(endpoint: Endpoint, plan: ConnectionPlan): UpstreamEndpoint;
  /** One use less. */
  release(endpoint: UpstreamEndpoint): void;
  /** Draws this process's subsets (gRFC A68). */
  readonly subsetSeed: number;
}

/**
 * A cluster that calls go to: its members, what is known of their health, and the picker that follows from both. Whatever
 * changes of these makes the picker stale; the next call makes a new one.
 */
export class ServedCluster implements MemberOwner, ClusterLoad, Ticking {
  cluster: Cluster;
  active = 0;
  /** Its policy goes by what a call says: `pick` wants the call's hash. */
  hashes = false;
  /** A call with a hash goes where that says, however that is. */
  pins = false;
  breaker: CircuitBreaker | undefined = undefined;
  readonly budget: RetryBudget;
  /** Calls for which no connection has room. */
  readonly line: CallLine;
  /** Gives `undefined` when there is no member to go to. */
  readonly picker: Picker<ClusterMember> = { pick: (hash) => this.#pick(hash) };
  readonly #engine: Engine;
  readonly #source: EndpointSource;
  #members: readonly ClusterMember[] = [];
  #byEndpoint: ReadonlyMap<Endpoint, ClusterMember> = new Map();
  #policy = '';
  /** What of the cluster the members stand for: all of it, or a subset. */
  #served: Cluster;
  #judge: Judge | undefined = undefined;
  readonly #checks: ClusterChecks;
  #isStale = true;
  #isWarming = false;
  #picker: Picker<ClusterMember> = { pick: () => undefined };
  #inUse: readonly ClusterMember[] = [];
  #tickedAt: number;
  /** Calls for which the line was too long without any rule. */
  #turnedAway = 0;
  /** How long calls wait for pods that take none: as long as for one that cannot be connected to. */
  #patienceMs = 0;

  constructor(cluster: Cluster, engine: Engine, source: EndpointSource) {
    this.cluster = cluster;
    this.#served = cluster;
    this.#engine = engine;
    this.#source = source;
    this.#tickedAt = engine.now();
    this.budget = new RetryBudget(cluster, engine.now);
    this.#checks = new ClusterChecks(engine, (member, passed, isTurn) => this.#checked(member, passed, isTurn));
    this.line = new CallLine(engine.loop, engine.now, () => this.#hasRoom);
    this.#follow(cluster);
    engine.ticker.add(this);
  }

  get name(): string {
    return this.cluster.name;
  }

  /** Those that calls may go to now. */
  get endpoints(): readonly ClusterMember[] {
    if (this.#isStale) this.#renew();
    return this.#inUse;
  }

  /** All of them, beside the indexes of {@link ServedCluster.localities}. */
  get members(): readonly ClusterMember[] {
    return this.#members;
  }

  get localities(): readonly LocalityGroup[] {
    return this.#served.localities ?? [];
  }

  pending(): number {
    return this.#members.reduce((sum, { endpoint }) => sum + endpoint.pending, this.line.length);
  }

  /** Why a call has to stand in line although there may be room: others do already. */
  get crowded(): CallFailure | undefined {
    // Calls that mean one pod each do not stand in each other's way.
    return this.pins ? undefined : this.line.why;
  }

  /** Whether one call more may stand in line. */
  mayWait(): boolean {
    // One that means a pod of its own would be looked at whenever any other takes a call.
    if (this.pins && this.breaker === undefined) return false;
    if (this.breaker?.mayWait() === false) return false;
    // Where a rule says how many may, its breaker has spoken.
    if (this.line.length < LONGEST_LINE || this.cluster.connectionPool?.maxPendingRequests !== undefined) return true;
    this.#turnedAway++;
    return false;
  }

  /** Whether those in line need not wait: there is room, or nobody whose room is worth waiting for. */
  get #hasRoom(): boolean {
    const { endpoints } = this;
    return endpoints.some(({ reachable }) => reachable) || endpoints.every(({ isFull }) => !isFull);
  }

  connections(): number {
    return this.#members.reduce((sum, { endpoint }) => sum + endpoint.connectionCount, 0);
  }

  /** Why there is none to go to. */
  noEndpoint(): CallFailure {
    const { endpoints } = this;
    const unusable = endpoints.find(({ isFull }) => isFull) ?? endpoints.find(({ reachable }) => !reachable);
    if (unusable !== undefined) return unusable.unusable();
    const count = this.#members.length;
    const message =
      count === 0
        ? `${this.name} has no endpoint that is ready`
        : `${this.name} has no endpoint left: ${count === 1 ? 'its only one is' : `all ${count} are`} ejected for failing`;
    return { status: GrpcStatus.UNAVAILABLE, message };
  }

  /** Members that stay keep what is known of them. */
  update(cluster: Cluster): void {
    if (cluster !== this.cluster) this.#follow(cluster);
  }

  /** The cluster is gone, or the process is about to be. */
  leave(): void {
    this.#engine.ticker.remove(this);
    this.#checks.close();
    for (const { endpoint } of this.#members) this.#source.release(endpoint);
    this.#members = [];
    this.#byEndpoint = new Map();
    this.#isStale = true;
    this.line.dissolve();
  }

  attemptEnded(member: ClusterMember, status: number, us: number, end: AttemptEnd): void {
    this.line.poke();
    const outcome = outcomeOf(end, status);
    const failed = isFailure(outcome);
    if (member.observer !== undefined) {
      const now = this.#engine.now();
      if (outcome === 'none') member.latency.observeAbandoned(us / 1000, now);
      else if (failed) member.latency.observeFailure(us / 1000, now);
    }
    // A pod that cannot be reached gets no calls anyway, and all of them again once it can be.
    const counts = outcome !== 'none' && (!failed || member.endpoint.reachable);
    if (counts && member.failures.record(failed)) member.handicap = member.failures.handicap;
    if (this.#judge?.record(member, outcome, this.#engine.now) === true) this.#isStale = true;
  }

  tick(now: number): void {
    const elapsedMs = now - this.#tickedAt;
    this.#tickedAt = now;
    this.#lookAfterLine(now);
    for (const member of this.#members) {
      if (member.handicap === 1) continue;
      member.failures.decay(elapsedMs);
      member.handicap = member.failures.handicap;
    }
    if (this.#judge?.tick(now) === true) this.#isStale = true;
    if (this.#judge !== undefined) this.#sayEjected();
    this.#checks.tick(now);
    // A picker for newcomers asks the clock at each pick: that is to end with their time.
    if (this.#isWarming && !isWarming(this.#members, this.cluster.warmup?.durationMs ?? 0, now)) this.#isStale = true;
  }

  #lookAfterLine(now: number): void {
    const { line } = this;
    if (line.length === 0) return;
    line.poke();
    // Nobody else may come who would.
    for (const member of this.endpoints) member.reconnect();
    line.expire(now - this.#patienceMs);
  }

  report(): ClusterReport {
    const now = this.#engine.now();
    const { breaker, budget, cluster } = this;
    return {
      name: this.name,
      policy: policyName(cluster),
      active: this.active,
      waiting: this.pending(),
      refused: {
        ...breaker?.refused,
        ...(this.#turnedAway > 0 && {
          maxPendingRequests: (breaker?.refused.maxPendingRequests ?? 0) + this.#turnedAway,
        }),
        ...(budget.refused > 0 && { retries: budget.refused }),
      },
      open: breaker?.open() ?? [],
      members: this.#members.map((member) => ({
        key: member.key,
        ejected: member.isEjected,
        ejections: member.health.ejections,
        probe: member.probe?.state,
        warmth: warmthOf(cluster, member, now),
        handicap: member.handicap,
        weight: member.backendWeight.at(DEFAULT_WEIGHTED_ROUND_ROBIN, now),
        ...(cluster.extensions?.policy?.kind === 'PEAK_EWMA' && { expectedMs: member.latency.at(now) }),
      })),
    };
  }

  /** Not when it happens, as that is on the path of a call. */
  #sayEjected(): void {
    const { log } = this.#engine;
    for (const member of this.#members) {
      if (member.isEjected === member.saidEjected) continue;
      member.saidEjected = member.isEjected;
      if (member.isEjected) log.warn(`${member.key} of ${this.name} is ejected for failing`);
      else log.info(`${member.key} of ${this.name} takes calls again`);
    }
  }

  #pick(hash: number | undefined): ClusterMember | undefined {
    if (this.#isStale) this.#renew();
    return this.#picker.pick(hash);
  }

  #renew(): void {
    this.#isStale = false;
    const { random, now } = this.#engine;
    const { warmup } = this.cluster;
    const inUse = membersInUse(this.#served, this.#members, this.#judge?.settings.minHealthPercent ?? 0);
    this.#inUse = inUse.filter((member) => member !== undefined);
    this.#isWarming = warmup !== undefined && isWarming(this.#members, warmup.durationMs, now());
    this.#picker = createMemberPicker(this.#served, inUse, { random, now }, this.#picker);
  }

  /** @param isTurn it goes or comes back for it. */
  #checked(member: ClusterMember, passed: boolean, isTurn: boolean): void {
    if (isTurn) {
      this.#isStale = true;
      // Who comes back is new: its caches may be cold (Envoy, "Slow start mode").
      if (passed) member.startedAtMs = this.#engine.now();
    }
    if (passed && member.isEjected && this.#judge?.acquit(member) === true) this.#isStale = true;
  }

  #follow(cluster: Cluster): void {
    const { random, now } = this.#engine;
    const plan = this.#source.plan(cluster);
    this.cluster = cluster;
    this.#patienceMs = plan.connectTimeoutMs;
    this.hashes = isHashing(cluster);
    this.pins = isPinning(cluster);
    this.budget.update(cluster);
    const { subsetSize } = cluster.extensions ?? {};
    this.#served = subsetSize === undefined ? cluster : subsetOf(cluster, subsetSize, this.#source.subsetSeed);
    this.breaker = cluster.connectionPool && new CircuitBreaker(cluster.connectionPool, this, this.breaker?.refused);
    const judge = Judge.of(cluster, random, now(), this.#judge);
    const before = this.#byEndpoint;
    const after = new Map<Endpoint, ClusterMember>();
    const fresh = new Set<ClusterMember>();
    let byUpstream: ReadonlyMap<UpstreamEndpoint, ClusterMember> | undefined;
    for (const endpoint of this.#served.endpoints) {
      // What did not change of an endpoint keeps its identity, so this costs what the change is worth.
      let member = before.get(endpoint);
      if (member === undefined || member.endpoint.plan.key !== plan.key) {
        byUpstream ??= new Map(this.#members.map((known) => [known.endpoint, known]));
        member = this.#join(endpoint, plan, byUpstream);
        fresh.add(member);
      }
      after.set(endpoint, member);
    }
    this.#byEndpoint = after;
    this.#members = [...after.values()];
    const staying = new Set(this.#members);
    for (const member of before.values()) {
      if (judge !== this.#judge || !staying.has(member)) this.#judge?.delete(member);
      if (!staying.has(member)) this.#source.release(member.endpoint);
    }
    const isNewJudge = judge !== this.#judge;
    this.#judge = judge;
    const isNewPolicy = policyName(cluster) !== this.#policy;
    this.#policy = policyName(cluster);
    for (const member of isNewJudge || isNewPolicy ? staying : fresh) {
      member.observer = observerOf(cluster, member, now);
      if (judge === undefined) member.health.ejectedAtMs = undefined;
      else judge.add(member);
    }
    this.#checks.follow(cluster, this.#members);
    this.#isStale = true;
    this.line.poke();
  }

  /** A member for an endpoint that is new, or has changed: in that case what is known of it stays. */
  #join(
    endpoint: Endpoint,
    plan: ConnectionPlan,
    byUpstream: ReadonlyMap<UpstreamEndpoint, ClusterMember>,
  ): ClusterMember {
    const upstream = this.#source.acquire(endpoint, plan);
    const known = byUpstream.get(upstream);
    if (known === undefined) return new ClusterMember(upstream, this, this.#engine.now());
    this.#source.release(upstream);
    return known;
  }
}
