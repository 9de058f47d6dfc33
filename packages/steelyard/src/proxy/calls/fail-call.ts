import { ErrorCode } from '@steelyard/http2';
import type { Call } from './call.ts';
import { type CallFailure, httpFailure, statusTrailers, toldMessage, trailersOnly } from './grpc-status.ts';

/** Ends a call that cannot go on with a status, in the form the caller can still take. */
export function failCall(call: Call, failure: CallFailure): void {
  const { downstream, downStream } = call;
  call.end(failure.status, failure.message);
  if (call.responseStarted) {
    if (call.grpc) downstream.sendTrailers(downStream, statusTrailers(failure));
    else downstream.reset(downStream, ErrorCode.INTERNAL_ERROR);
    return;
  }
  call.responseStarted = true;
  if (call.grpc) {
    downstream.sendHeaders(downStream, trailersOnly(failure), true);
    return;
  }
  const body = Buffer.from(`${toldMessage(failure)}\n`, 'utf8');
  downstream.sendHeaders(downStream, httpFailure(failure), false);
  downstream.sendData(downStream, body, 0, body.length, true);
}
