import type { Call } from './call.ts';
import { failCall } from './fail-call.ts';
import type { CallFailure } from './grpc-status.ts';
import { sendHead } from './pass-response.ts';

/** There is no other attempt after all: the caller gets what the last pod said, or hears of `failure` if there was none. */
export function tellLast(call: Call, failure: CallFailure): void {
  const last = call.recovery?.last;
  if (last?.header === undefined) {
    failCall(call, last?.failure ?? failure);
    return;
  }
  call.responseStarted = true;
  sendHead(call, last.header, last.trailers === undefined);
  if (last.trailers !== undefined) call.downstream.sendTrailers(call.downStream, last.trailers);
  call.end(last.failure.status);
}
