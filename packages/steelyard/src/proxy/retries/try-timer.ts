import type { Call } from '../calls/call.ts';
import type { Due } from '../calls/deadline-wheel.ts';
import { failCall } from '../calls/fail-call.ts';
import { outcomeOfTimeout } from './outcomes.ts';

/** `perTryTimeout` of one attempt: the pod is to begin its response within it. */
export class TryTimer implements Due {
  readonly #call: Call;
  readonly #attempt: number;
  readonly #ms: number;

  constructor(call: Call, ms: number) {
    this.#call = call;
    this.#attempt = call.attempts;
    this.#ms = ms;
  }

  due(): void {
    const call = this.#call;
    const { endpoint } = call;
    if (call.attempts !== this.#attempt || endpoint === undefined) return;
    if (call.responseStarted || call.replay?.held !== undefined) return;
    const outcome = outcomeOfTimeout(endpoint.key, this.#ms);
    call.attemptEnd = 'timeout';
    if (call.sender?.retry(call, outcome) === true) return;
    call.cancel();
    failCall(call, outcome.last().failure);
  }
}
