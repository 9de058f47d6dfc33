import type { Random } from '@steelyard/core/balance';
import { ErrorCode } from '@steelyard/http2';
import type { Call } from '../calls/call.ts';
import type { DeadlineWheel, Due } from '../calls/deadline-wheel.ts';
import { Waiting } from '../calls/waiting.ts';
import { backoffMs } from './backoff.ts';
import { isRetriable, type Outcome } from './outcome.ts';
import { parsePushback } from './pushback.ts';
import { Recovery } from './recovery.ts';
import { TryTimer } from './try-timer.ts';

/** Decides whether and when a call has another attempt (istio.io, `HTTPRetry`; gRFC A6). */
export class Retrier {
  readonly #deadlines: DeadlineWheel<Due>;
  readonly #random: Random;
  readonly #again: (call: Call) => void;

  /** @param again gives the call to another endpoint. */
  constructor(deadlines: DeadlineWheel<Due>, random: Random, again: (call: Call) => void) {
    this.#deadlines = deadlines;
    this.#random = random;
    this.#again = again;
  }

  /**
   * An attempt has failed. True when there will be another, and nothing is to be said to the caller.
   *
   * @param calls under way at the cluster's endpoints
   */
  retry(call: Call, outcome: Outcome, calls: () => number): boolean {
    const { plan, replay, budget } = call;
    if (plan === undefined || replay === undefined || budget === undefined || call.responseStarted) return false;
    const pushback = outcome.pushback === undefined ? undefined : parsePushback(outcome.pushback);
    const isFailure = isRetriable(plan, outcome, call.grpc);
    if (isFailure || pushback === 'never') budget.failed();
    if (!isFailure || pushback === 'never') return false;
    const recovery = (call.recovery ??= new Recovery());
    recovery.settle();
    const { retries } = recovery;
    // Attempts that no pod has looked at came at once; what is left of the policy's goes on from there.
    const made = outcome.reset === 'none' || outcome.reset === 'broken' ? retries : retries + replay.untouched;
    if (made >= plan.attempts) return false;
    const waitMs = pushback ?? backoffMs(plan.backoffMs, retries, this.#random);
    if (call.deadline !== undefined && call.deadline.remainingMs <= waitMs) return false;
    if (!budget.admit(calls)) return false;
    recovery.hold(budget);
    recovery.retries++;
    recovery.last = outcome.last();
    if (call.endpoint !== undefined) recovery.tried.push(call.endpoint.key);
    replay.letGo();
    leaveAttempt(call, outcome.status);
    budget.waiting++;
    call.pending = new Waiting(
      call,
      this.#deadlines,
      waitMs,
      () => {
        budget.waiting--;
        this.#again(call);
      },
      () => budget.waiting--,
    );
    return true;
  }

  /** The request is complete, and a pod has it: the time of an attempt runs from then on, as Envoy's does. */
  startTry(call: Call): void {
    const ms = call.plan?.perTryTimeoutMs;
    if (ms === undefined || call.responseStarted || call.endpoint === undefined) return;
    const recovery = (call.recovery ??= new Recovery());
    recovery.tryTimer?.cancel();
    recovery.tryTimer = this.#deadlines.add(this.#deadlines.now() + ms, new TryTimer(call, ms));
  }
}

/** Ends the attempt under way; its stream, too, unless it has ended by itself. */
function leaveAttempt(call: Call, status: number): void {
  const { upstream, upStream } = call;
  call.release(status);
  call.upstream = undefined;
  call.upStream = undefined;
  if (upStream === undefined || (upStream.localClosed && upStream.remoteClosed)) return;
  upstream?.reset(upStream, ErrorCode.CANCEL);
}
