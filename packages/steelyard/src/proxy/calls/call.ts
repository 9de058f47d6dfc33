import type { Balanced } from '@steelyard/core/balance';
import type { HeaderOperations } from '@steelyard/core/model';
import type { Connection, Field, Stream } from '@steelyard/http2';
import type { AccessEntry } from '../access-log/access-log.ts';
import type { Deadline } from './deadline-wheel.ts';
import type { CallCounts } from '../metrics/metrics-calls.ts';
import type { AttemptSeries, EndpointStats, MethodSeries } from '../metrics/metrics-series.ts';
import { UNKNOWN } from '../metrics/metrics-status.ts';
import type { Replay } from './replay.ts';

const UNIMPLEMENTED = 12;

/** An endpoint as a call sees it. */
export interface CallEndpoint extends Balanced {
  /** `ip:port` */
  readonly key: string;
  readonly stats: EndpointStats;
}

/** Who can give a call to another pod. */
export interface CallSender {
  resend(call: Call, avoid?: string): boolean;
  /** The replay is not needed any more. */
  drop(replay: Replay): void;
}

/** A call to the proxy itself while it is under way. */
export interface OwnCall {
  /** A piece of the request's body. */
  add(bytes: Uint8Array, start: number, end: number): void;
  /** The request is complete. */
  answer(): void;
  /** The call is over, in whichever way. */
  ended(): void;
}

/** One call on its way through: the stream it came by, and the one it was sent on by. */
export class Call {
  readonly downstream: Connection<Call>;
  readonly downStream: Stream<Call>;
  /** The caller speaks gRPC, so failures are gRPC statuses. */
  readonly grpc: boolean;
  readonly #counts: CallCounts;
  readonly #method: MethodSeries;
  readonly startedUs: number;
  upstream: Connection<Call> | undefined = undefined;
  upStream: Stream<Call> | undefined = undefined;
  endpoint: CallEndpoint | undefined = undefined;
  cluster = '';
  /** What a hash policy goes by, should the call have to be sent again. */
  hash: number | undefined = undefined;
  /** What the rules of its route do to the response's header. */
  responseRules: readonly HeaderOperations[] | undefined = undefined;
  /** When it has to be over. */
  deadline: Deadline<Call> | undefined = undefined;
  sender: CallSender | undefined = undefined;
  /** The request so far, as long as it can be sent again. */
  replay: Replay | undefined = undefined;
  /** Octets of the request that have left for the pod, in this attempt. */
  requestSent = 0;
  /** Octets of the request whose credit the caller has back. */
  #credited = 0;
  #attempts: AttemptSeries | undefined = undefined;
  #attemptUs = 0;
  /** A final response header has been passed on. */
  responseStarted = false;
  /** The gRPC status that the response has if nothing more comes. */
  status: number = UNKNOWN;
  /** The proxy answers it itself. */
  own: OwnCall | undefined = undefined;
  #ended = false;
  requestOctets = 0;
  responseOctets = 0;
  /** Its line in the access log, when it is to have one. */
  entry: AccessEntry | undefined = undefined;

  constructor(
    downstream: Connection<Call>,
    downStream: Stream<Call>,
    grpc: boolean,
    counts: CallCounts,
    path: Field | undefined,
  ) {
    this.downstream = downstream;
    this.downStream = downStream;
    this.grpc = grpc;
    this.#counts = counts;
    this.#method = counts.methods.of(path);
    this.#method.started++;
    this.#method.active++;
    this.startedUs = counts.clock.nowUs();
  }

  /** An attempt at an endpoint begins; {@link Call.release} ends it. */
  assign(endpoint: CallEndpoint, cluster: string): void {
    endpoint.activeRequests++;
    endpoint.stats.started++;
    this.endpoint = endpoint;
    this.#attempts = this.#method.attemptsAt(cluster);
    this.#attempts.started++;
    this.#attemptUs = this.#counts.clock.nowUs();
    this.entry?.attempt(endpoint.key, cluster);
  }

  /** `count` octets more have left for the pod: the caller may send as many again, unless they went for the second time. */
  sent(count: number): void {
    this.requestSent += count;
    const more = this.requestSent - this.#credited;
    if (more <= 0) return;
    this.#credited = this.requestSent;
    this.downstream.consume(this.downStream, more);
  }

  /** The call cannot be sent again from here on. Idempotent. */
  commit(): void {
    const { replay } = this;
    if (replay === undefined) return;
    this.replay = undefined;
    this.sender?.drop(replay);
  }

  /** The endpoint is no longer busy with this call, which ended there with this status. Idempotent. */
  release(status: number): void {
    const { endpoint } = this;
    if (endpoint === undefined) return;
    const us = this.#counts.clock.nowUs() - this.#attemptUs;
    this.#leave(endpoint, status, us);
    this.#attempts?.parts.record(status, us);
  }

  #leave(endpoint: CallEndpoint, status: number, us: number): void {
    this.endpoint = undefined;
    endpoint.activeRequests--;
    endpoint.stats.ended(status, us);
    if (status !== UNIMPLEMENTED) this.#method.proven = true;
  }

  /**
   * The call is over, as its caller sees it. Idempotent.
   *
   * @param detail why, when it was not the pod that said so.
   */
  end(status: number, detail = ''): void {
    if (this.#ended) return;
    this.#ended = true;
    this.own?.ended();
    this.deadline?.cancel();
    this.commit();
    const us = this.#counts.clock.nowUs() - this.startedUs;
    const { endpoint } = this;
    this.#method.active--;
    if (endpoint !== undefined && this.#attempts !== undefined && this.#attemptUs === this.startedUs) {
      this.#leave(endpoint, status, us);
      this.#attempts.whole.record(status, us);
    } else {
      this.release(status);
      this.#method.parts.record(status, us);
    }
    this.entry?.end(this, status, us, detail);
  }
}

/** Every stream gets its call in `onHeaders`, before anything else can happen to it. */
export function contextOf(stream: Stream<Call>): Call {
  const call = stream.context;
  if (call === undefined) throw new Error(`stream ${stream.id} has no call`);
  return call;
}
