import { ErrorCode } from '@steelyard/http2';
import type { Call } from './call.ts';
import { type CallFailure, httpFailure, statusTrailers, toldMessage, trailersOnly } from './grpc-status.ts';

/** Ends a call that cannot go on with a status, in the form the caller can still take. */
export function failCall(call: Call, failure: CallFailure): void {
  const { downstream, downStream } = call;
  if (!call.responseStarted && !call.grpc) {
    failPlainly(call, failure);
    return;
  }
  call.end(failure.status, failure.message);
  if (call.responseStarted) {
    if (call.grpc) downstream.sendTrailers(downStream, statusTrailers(failure));
    else downstream.reset(downStream, ErrorCode.INTERNAL_ERROR);
    return;
  }
  call.responseStarted = true;
  downstream.sendHeaders(downStream, trailersOnly(failure), true);
}

/** To a caller that does not speak gRPC, and may have asked for no body (RFC 9110 §9.3.2). */
function failPlainly(call: Call, failure: CallFailure): void {
  const { downstream, downStream } = call;
  const body = downStream.head ? undefined : Buffer.from(`${toldMessage(failure)}\n`, 'utf8');
  call.responseOctets += body?.length ?? 0;
  call.end(failure.status, failure.message);
  call.responseStarted = true;
  downstream.sendHeaders(downStream, httpFailure(failure), body === undefined);
  if (body !== undefined) downstream.sendData(downStream, body, 0, body.length, true);
}
