import type { Random } from '@steelyard/core/balance';
import type { Hedging } from '@steelyard/core/model';
import type { HeaderBlock } from '@steelyard/http2';
import { Hedge } from '../retries/hedge.ts';
import type { Outcome } from '../retries/outcome.ts';
import { Retrier } from '../retries/retrier.ts';
import { type RetryPlan, retryPlanOf } from '../retries/retry-plan.ts';
import type { ClusterTable, ServedCluster } from '../upstream/cluster-table.ts';
import { attempt, attemptAgain } from './attempt.ts';
import type { Call, CallSender } from './call.ts';
import { EndpointChooser } from './choose-endpoint.ts';
import type { DeadlineWheel, Due } from './deadline-wheel.ts';
import { failCall } from './fail-call.ts';
import { type CallFailure, GrpcStatus } from './grpc-status.ts';
import { tellLast } from './tell-last.ts';
import { type Replay, ReplayPool } from './replay.ts';
import { Waiting } from './waiting.ts';

/** Gives calls to the endpoints that their cluster's policy picks: once, or again when an attempt has failed. */
export class Dispatcher implements CallSender {
  readonly #clusters: ClusterTable;
  readonly #deadlines: DeadlineWheel<Due>;
  readonly #replays = new ReplayPool();
  readonly #chooser = new EndpointChooser();
  readonly #retrier: Retrier;

  constructor(clusters: ClusterTable, deadlines: DeadlineWheel<Due>, random: Random) {
    this.#clusters = clusters;
    this.#deadlines = deadlines;
    this.#retrier = new Retrier(deadlines, random, (call) => this.#again(call));
  }

  /**
   * Sends the call to an endpoint of the cluster, or tells why not.
   *
   * @param hash of the call, when the cluster's policy hashes.
   * @param plan how a failed attempt is made good; without, only one that no pod has looked at is.
   */
  send(
    call: Call,
    to: ServedCluster,
    block: HeaderBlock,
    endStream: boolean,
    hash: number | undefined,
    plan: RetryPlan | undefined,
  ): CallFailure | undefined {
    const endpoint = this.#chooser.first(to, hash);
    if (endpoint === undefined) return to.noEndpoint();
    this.#prepare(call, to, hash, plan);
    const hedging = to.cluster.extensions?.hedging;
    if (hedging !== undefined) {
      this.#keep(call, block, endStream);
      return this.#hedge(call, to, hedging);
    }
    // Who came earlier is served earlier.
    const failure = to.crowded ?? attempt(call, endpoint, block, endStream);
    if (failure?.full === true && to.mayWait()) {
      this.#keep(call, block, endStream);
      this.#wait(call, to, failure);
      return undefined;
    }
    // The call may be over by now: its connection can fail while it is being written to.
    if (failure === undefined && !call.responseStarted) {
      this.#keep(call, block, endStream);
      if (endStream) this.complete(call);
    }
    return failure;
  }

  /** The same after a time. */
  sendLater(
    ms: number,
    call: Call,
    to: ServedCluster,
    block: HeaderBlock,
    endStream: boolean,
    hash: number | undefined,
    plan: RetryPlan | undefined,
  ): void {
    this.#prepare(call, to, hash, plan);
    this.#keep(call, block, endStream);
    call.pending = new Waiting(call, this.#deadlines, ms, () => {
      const hedging = to.cluster.extensions?.hedging;
      if (hedging === undefined) {
        this.#again(call);
        return;
      }
      const failure = this.#hedge(call, to, hedging);
      if (failure !== undefined) tellLast(call, failure);
    });
  }

  /** Ends the call after a time. */
  failLater(ms: number, call: Call, failure: CallFailure): void {
    call.pending = new Waiting(call, this.#deadlines, ms, () => failCall(call, failure));
  }

  /**
   * Sends a call again that no pod has looked at. False when that is not possible.
   *
   * @param avoid key of an endpoint that is of no use; without it, any will do.
   */
  resend(call: Call, avoid?: string): boolean {
    const { replay } = call;
    if (replay === undefined || !replay.again()) return false;
    const to = this.#clusters.find(call.cluster);
    // A call that goes by a hash stays where it belongs, if the pod takes it.
    const last = avoid ?? (call.hash === undefined ? call.endpoint?.key : undefined);
    const endpoint =
      to &&
      (this.#chooser.other(to, call.hash, last === undefined ? [] : [last]) ??
        (avoid === undefined ? this.#chooser.other(to, call.hash, []) : undefined));
    if (endpoint === undefined) return to !== undefined && this.#waitAfter(call, to);
    call.release(GrpcStatus.UNAVAILABLE);
    if (attemptAgain(call, endpoint, replay) !== undefined) return false;
    if (replay.complete) this.complete(call);
    call.countAgain('transparentRetries');
    return true;
  }

  /** The pods take no calls for now: one that nobody has looked at is like one that comes in. False when it is not to wait. */
  #waitAfter(call: Call, to: ServedCluster): boolean {
    const failure = to.noEndpoint();
    if (failure.full !== true || !to.mayWait()) return false;
    call.release(GrpcStatus.UNAVAILABLE);
    call.upstream = undefined;
    call.upStream = undefined;
    this.#wait(call, to, failure);
    return true;
  }

  retry(call: Call, outcome: Outcome): boolean {
    const to = this.#clusters.find(call.cluster);
    // When no pod can be reached a caller that is told so at once is better off.
    if (to?.endpoints.some(({ reachable }) => reachable) !== true) return false;
    return this.#retrier.retry(call, outcome, () => to.active);
  }

  complete(call: Call): void {
    this.#retrier.startTry(call);
  }

  drop(replay: Replay): void {
    this.#replays.release(replay);
  }

  /** The request is in the call's replay. */
  #hedge(call: Call, to: ServedCluster, hedging: Hedging): CallFailure | undefined {
    const plan = call.plan ?? retryPlanOf(undefined);
    return plan && new Hedge(call, to, hedging, plan, this.#chooser, this.#deadlines).start();
  }

  /** Until a connection has room. */
  #wait(call: Call, to: ServedCluster, why: CallFailure): void {
    call.pending = to.line.add(
      why,
      () => {
        call.pending = undefined;
        this.#again(call);
      },
      () => {
        call.pending = undefined;
        tellLast(call, why);
      },
    );
  }

  #keep(call: Call, block: HeaderBlock, endStream: boolean): void {
    call.replay = this.#replays.acquire();
    call.replay.begin(block, endStream);
  }

  #prepare(call: Call, to: ServedCluster, hash: number | undefined, plan: RetryPlan | undefined): void {
    call.sender = this;
    call.cluster = to.cluster.name;
    call.hash = hash;
    call.plan = plan;
    call.budget = to.budget;
  }

  /** The time has come for another attempt, or for the first. */
  #again(call: Call): void {
    const { replay, recovery, plan } = call;
    if (replay === undefined) return;
    const to = this.#clusters.find(call.cluster);
    const { ignorePreviousHosts = true, remoteLocalities = false } = plan ?? {};
    const endpoint =
      to && this.#chooser.next(to, call.hash, recovery?.tried ?? [], ignorePreviousHosts, remoteLocalities);
    const failure =
      endpoint === undefined ? (to?.noEndpoint() ?? noEndpoint(call.cluster)) : attemptAgain(call, endpoint, replay);
    if (failure?.full === true && to?.mayWait() === true) {
      this.#wait(call, to, failure);
      return;
    }
    if (failure !== undefined) {
      tellLast(call, failure);
      return;
    }
    if (recovery !== undefined && recovery.retries > 0) call.countAgain('retries');
    if (replay.complete) this.complete(call);
  }
}

/** What the callers of a cluster without endpoints are told. */
export function noEndpoint(cluster: string): CallFailure {
  return { status: GrpcStatus.UNAVAILABLE, message: `${cluster} has no endpoint that is ready` };
}
