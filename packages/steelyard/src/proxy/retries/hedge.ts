import type { AttemptEnd } from '@steelyard/core/health';
import type { Hedging } from '@steelyard/core/model';
import type { HeaderBlock } from '@steelyard/http2';
import { requestNow, sendRest } from '../calls/attempt.ts';
import { AttemptRecord } from '../calls/attempt-record.ts';
import type { Call, Pending } from '../calls/call.ts';
import type { EndpointChooser } from '../calls/choose-endpoint.ts';
import type { Deadline, DeadlineWheel, Due } from '../calls/deadline-wheel.ts';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import { passHeldHead } from '../calls/pass-response.ts';
import { tellLast } from '../calls/tell-last.ts';
import type { ServedCluster } from '../upstream/cluster-table.ts';
import { HedgeAttempt, type HedgeOwner } from './hedge-attempt.ts';
import { isRetriable, type Outcome } from './outcome.ts';
import { parsePushback } from './pushback.ts';
import { Recovery } from './recovery.ts';
import type { RetryPlan } from './retry-plan.ts';

/**
 * gRFC A6, "Hedging Policy": the same call at several pods. Another attempt begins when `delayMs` have passed without an
 * answer, or at once when one fails with a status that the retry policy would try again on. The first answer wins, and the
 * other attempts are cancelled.
 */
export class Hedge implements Pending, HedgeOwner, Due {
  readonly #call: Call;
  readonly #to: ServedCluster;
  readonly #hedging: Hedging;
  /** Which statuses are not the end. */
  readonly #plan: RetryPlan;
  readonly #chooser: EndpointChooser;
  readonly #deadlines: DeadlineWheel<Due>;
  readonly #tried: string[] = [];
  #attempts: HedgeAttempt[] = [];
  #launched = 0;
  /** No more attempts. */
  #closed = false;
  #alarm: Deadline<Due> | undefined = undefined;

  constructor(
    call: Call,
    to: ServedCluster,
    hedging: Hedging,
    plan: RetryPlan,
    chooser: EndpointChooser,
    deadlines: DeadlineWheel<Due>,
  ) {
    this.#call = call;
    this.#to = to;
    this.#hedging = hedging;
    this.#plan = plan;
    this.#chooser = chooser;
    this.#deadlines = deadlines;
  }

  /** Begins with the first attempt, or tells why not. */
  start(): CallFailure | undefined {
    this.#call.pending = this;
    const failure = this.#launch();
    if (failure === undefined) this.#setAlarm(this.#hedging.delayMs);
    else this.#call.pending = undefined;
    return failure;
  }

  add(bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    for (const attempt of this.#attempts) {
      const { stream, connection, over } = attempt;
      if (stream !== undefined && !over) attempt.sent(connection.sendData(stream, bytes, start, end, endStream));
    }
  }

  addTrailers(block: HeaderBlock): void {
    for (const { stream, connection, over } of this.#attempts) {
      if (stream !== undefined && !over) connection.sendTrailers(stream, block);
    }
  }

  /** The request has become too long to be given to others: the attempt that began first has it alone. */
  settle(): void {
    if (this.#attempts.length === 0) this.#launch();
    const [first] = this.#attempts;
    if (first === undefined) return;
    this.win(first);
    const head = first.takeHead();
    if (head !== undefined) passHeldHead(this.#call, head);
  }

  ended(): void {
    this.#close();
    const attempts = this.#attempts;
    this.#attempts = [];
    for (const attempt of attempts) {
      attempt.cancel();
      this.#release(attempt);
    }
  }

  /** It is time for another attempt. */
  due(): void {
    this.#alarm = undefined;
    this.#more();
  }

  failed(attempt: HedgeAttempt, outcome: Outcome, how: AttemptEnd): boolean {
    const { budget, grpc } = this.#call;
    const pushback = outcome.pushback === undefined ? undefined : parsePushback(outcome.pushback);
    const isFailure = isRetriable(this.#plan, outcome, grpc);
    if (isFailure || pushback === 'never') budget?.failed();
    if (!isFailure) return false;
    attempt.over = true;
    this.#attempts = this.#attempts.filter((other) => other !== attempt);
    attempt.record.end(outcome.status, how);
    this.#release(attempt);
    (this.#call.recovery ??= new Recovery()).last = outcome.last();
    attempt.reset();
    if (pushback === 'never') this.#close();
    else if (pushback === undefined) this.#more();
    else this.#setAlarm(pushback);
    if (this.#attempts.length === 0 && this.#alarm === undefined && this.#call.pending === this) {
      this.#close();
      this.#call.pending = undefined;
      tellLast(this.#call, { status: GrpcStatus.UNAVAILABLE, message: `${this.#to.name} has not answered` });
    }
    return true;
  }

  win(winner: HedgeAttempt): void {
    const call = this.#call;
    this.#attempts = this.#attempts.filter((other) => other !== winner);
    this.#release(winner);
    call.pending = undefined;
    this.ended();
    winner.over = true;
    // Nothing but its answer counts now.
    call.plan = undefined;
    call.adopt(winner);
  }

  /** Another attempt, if there may be one; the next after it has its time. */
  #more(): void {
    if (this.#closed || this.#launched >= this.#hedging.maxAttempts) return;
    if (this.#call.budget?.admit(() => this.#to.active) !== true) return;
    if (this.#launch() !== undefined) {
      this.#call.budget.release();
      return;
    }
    this.#setAlarm(this.#hedging.delayMs);
  }

  #launch(): CallFailure | undefined {
    const call = this.#call;
    const { replay } = call;
    const member =
      this.#launched === 0
        ? this.#chooser.first(this.#to, call.hash)
        : this.#chooser.next(this.#to, call.hash, this.#tried, true, false);
    if (member === undefined || replay === undefined) return this.#to.noEndpoint();
    const link = member.acquire();
    if (link === undefined) return member.refusal();
    const extra = this.#launched > 0;
    const record = new AttemptRecord(call, member, this.#to.name);
    if (extra) record.series.kinds.hedges++;
    call.noteAttempt(member);
    const attempt = new HedgeAttempt(call, this, record, link.connection, extra);
    this.#tried.push(member.key);
    this.#attempts.push(attempt);
    const block = requestNow(call, replay, this.#launched++);
    attempt.stream = link.connection.request(block, replay.bare, attempt);
    if (!replay.bare && !attempt.over) sendRest(link.connection, attempt.stream, replay, attempt);
    return undefined;
  }

  #setAlarm(ms: number): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (this.#closed || this.#launched >= this.#hedging.maxAttempts) return;
    this.#alarm = this.#deadlines.add(this.#deadlines.now() + ms, this);
  }

  #close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #release({ extra }: HedgeAttempt): void {
    if (extra) this.#call.budget?.release();
  }
}
