import type { AttemptEnd } from '@steelyard/core/health';
import type { HeaderOperations } from '@steelyard/core/model';
import { type Connection, ErrorCode, type Field, type HeaderBlock, type Stream } from '@steelyard/http2';
import type { AccessEntry } from '../access-log/access-log.ts';
import type { CallCounts } from '../metrics/metrics-calls.ts';
import type { AttemptKind, AttemptSeries, MethodSeries } from '../metrics/metrics-series.ts';
import { UNKNOWN } from '../metrics/metrics-status.ts';
import type { HedgeAttempt } from '../retries/hedge-attempt.ts';
import type { Outcome } from '../retries/outcome.ts';
import type { Recovery } from '../retries/recovery.ts';
import type { RetryBudget } from '../retries/retry-budget.ts';
import type { RetryPlan } from '../retries/retry-plan.ts';
import type { Shadows } from '../shadows/shadows.ts';
import type { Deadline, Due } from './deadline-wheel.ts';
import type { Exchange, PodLink, StreamReset } from './exchange.ts';
import { expireCall } from './expire-call.ts';
import { answerReset, passData, passHeaders, passTrailers } from './pass-response.ts';
import type { Replay } from './replay.ts';

const UNIMPLEMENTED = 12;

/** An endpoint as a call sees it. */
export interface CallEndpoint {
  /** `ip:port` */
  readonly key: string;
  /** Absent: nobody wants to know more of attempts than how they end. */
  readonly observer: AttemptObserver | undefined;
  /** An attempt begins. */
  begin(): void;
  /** An attempt is over: {@link AttemptEnd} says whether `status` is the pod's own word. */
  end(status: number, us: number, end: AttemptEnd): void;
}

/** Who learns from responses while they come in. */
export interface AttemptObserver {
  /** @param us since the attempt began, until the final header of its response. */
  onHeader(us: number, block: HeaderBlock, endStream: boolean): void;
  onTrailers(block: HeaderBlock): void;
}

/** Who can give a call to another pod. */
export interface CallSender {
  /** No pod has looked at it: at once. */
  resend(call: Call, avoid?: string): boolean;
  /** An attempt has failed: as the route's policy has it. False when there is to be no other. */
  retry(call: Call, outcome: Outcome): boolean;
  /** The request is complete: all of it has come from the caller. */
  complete(call: Call): void;
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

/** Who has the request of a call while no pod has it alone: nobody yet, or several pods. */
export interface Pending {
  /** A piece of the body. */
  add(bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  addTrailers(block: HeaderBlock): void;
  /** The request gets too long to be sent again: one pod must have it from here on. */
  settle(): void;
  /** The call is over. */
  ended(): void;
}

/** One call on its way through: the stream it came by, and the one it was sent on by. */
export class Call implements Exchange, Due {
  readonly downstream: Connection<Call>;
  readonly downStream: Stream<Call>;
  /** The caller speaks gRPC, so failures are gRPC statuses. */
  readonly grpc: boolean;
  readonly #counts: CallCounts;
  readonly #method: MethodSeries;
  readonly startedUs: number;
  upstream: Connection<Exchange> | undefined = undefined;
  upStream: Stream<Exchange> | undefined = undefined;
  endpoint: CallEndpoint | undefined = undefined;
  cluster = '';
  /** What a hash policy goes by, should the call have to be sent again. */
  hash: number | undefined = undefined;
  /** What the rules of its route do to the response's header. */
  responseRules: readonly HeaderOperations[] | undefined = undefined;
  /** When it has to be over. */
  deadline: Deadline<Due> | undefined = undefined;
  sender: CallSender | undefined = undefined;
  /** The request so far, as long as it can be sent again. */
  replay: Replay | undefined = undefined;
  /** How a failed attempt is made good; undefined: not at all. */
  plan: RetryPlan | undefined = undefined;
  recovery: Recovery | undefined = undefined;
  budget: RetryBudget | undefined = undefined;
  pending: Pending | undefined = undefined;
  /** Copies of it that other pods get. */
  shadows: Shadows | undefined = undefined;
  /** Goes with the header of its response. */
  cookie: Field | undefined = undefined;
  /** Pods it has been given to so far. */
  attempts = 0;
  /** Octets of the request that have left for the pod, in this attempt. */
  requestSent = 0;
  /** Octets of the request whose credit the caller has back. */
  #credited = 0;
  #series: AttemptSeries | undefined = undefined;
  #attemptUs = 0;
  /** How the attempt under way ends, as far as it says anything about the pod. To be set before it ends. */
  attemptEnd: AttemptEnd = 'unsaid';
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
    endpoint.begin();
    this.endpoint = endpoint;
    this.attempts++;
    this.attemptEnd = 'unsaid';
    this.#series = this.#method.attemptsAt(cluster);
    this.#series.started++;
    this.#attemptUs = this.#counts.clock.nowUs();
    this.entry?.attempt(endpoint.key, cluster);
  }

  /** The series of this call's attempts at a cluster. */
  seriesAt(cluster: string): AttemptSeries {
    return this.#method.attemptsAt(cluster);
  }

  /** An attempt beside others begins: {@link Call.adopt} makes it the call's own. */
  noteAttempt(endpoint: CallEndpoint): void {
    this.attempts++;
    this.entry?.attempt(endpoint.key, this.cluster);
  }

  /** One of several attempts is the call's own from here on. */
  adopt({ record, connection, stream, sentOctets }: HedgeAttempt): void {
    this.endpoint = record.endpoint;
    this.#series = record.series;
    this.#attemptUs = record.startedUs;
    this.upstream = connection;
    this.upStream = stream;
    if (stream !== undefined) stream.context = this;
    this.requestSent = sentOctets;
  }

  /** It has ended, as its caller sees it. */
  get over(): boolean {
    return this.#ended;
  }

  nowUs(): number {
    return this.#counts.clock.nowUs();
  }

  /** Counts what the attempt under way is beyond the first. */
  countAgain(kind: AttemptKind): void {
    if (this.#series !== undefined) this.#series.kinds[kind]++;
  }

  /** Microseconds since the attempt began. */
  get attemptAgeUs(): number {
    return this.#counts.clock.nowUs() - this.#attemptUs;
  }

  /** `count` octets more have left for the pod: the caller may send as many again, unless they went for the second time. */
  sent(count: number): void {
    this.requestSent += count;
    this.credit(this.requestSent);
  }

  /** So many octets of the request have left for a pod, of all there are: the caller gets credit for what is new. */
  credit(total: number): void {
    const more = total - this.#credited;
    if (more <= 0) return;
    this.#credited = total;
    this.downstream.consume(this.downStream, more);
  }

  /** The call cannot be sent again from here on. Idempotent. */
  commit(): void {
    const { replay } = this;
    if (replay === undefined) return;
    this.pending?.settle();
    this.recovery?.settle();
    this.replay = undefined;
    this.sender?.drop(replay);
  }

  /** The endpoint is no longer busy with this call, which ended there with this status. Idempotent. */
  release(status: number): void {
    const { endpoint } = this;
    if (endpoint === undefined) return;
    const us = this.#counts.clock.nowUs() - this.#attemptUs;
    this.#leave(endpoint, status, us);
    this.#series?.parts.record(status, us);
  }

  /** Whoever works on the request need not go on. */
  cancel(): void {
    const { upstream, upStream } = this;
    if (upStream !== undefined) upstream?.reset(upStream, ErrorCode.CANCEL);
    this.shadows?.cancel();
  }

  #leave(endpoint: CallEndpoint, status: number, us: number): void {
    this.endpoint = undefined;
    endpoint.end(status, us, this.attemptEnd);
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
    const { pending } = this;
    this.pending = undefined;
    pending?.ended();
    this.shadows?.mainEnded();
    if (status === 0) this.budget?.succeeded();
    this.recovery?.settle();
    this.commit();
    const us = this.#counts.clock.nowUs() - this.startedUs;
    const { endpoint } = this;
    this.#method.active--;
    if (endpoint !== undefined && this.#series !== undefined && this.#attemptUs === this.startedUs) {
      this.#leave(endpoint, status, us);
      this.#series.whole.record(status, us);
    } else {
      this.release(status);
      this.#method.parts.record(status, us);
    }
    this.entry?.end(this, status, us, detail);
  }

  /** Its deadline has passed. */
  due(): void {
    expireCall(this);
  }

  onHeaders(link: PodLink, stream: Stream<Exchange>, block: HeaderBlock, endStream: boolean): void {
    passHeaders(this, link, stream, block, endStream);
  }

  onData(
    { connection }: PodLink,
    stream: Stream<Exchange>,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    passData(this, connection, stream, bytes, start, end, endStream);
  }

  onTrailers(link: PodLink, stream: Stream<Exchange>, block: HeaderBlock): void {
    passTrailers(this, link, stream, block);
  }

  onSent(count: number): void {
    this.sent(count);
  }

  onReset(link: PodLink, stream: Stream<Exchange>, reset: StreamReset): void {
    answerReset(this, link, stream, reset);
  }
}

/** Every stream gets its call in `onHeaders`, before anything else can happen to it. */
export function contextOf(stream: Stream<Call>): Call {
  const call = stream.context;
  if (call === undefined) throw new Error(`stream ${stream.id} has no call`);
  return call;
}
