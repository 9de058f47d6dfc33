import type { Call } from './call.ts';
import { failCall } from './fail-call.ts';
import { GrpcStatus } from './grpc-status.ts';

/** The time of a call is over: its caller is told, its pod need not go on. */
export function expireCall(call: Call): void {
  call.cancel();
  // A pod that answers, if not to the end, is not known to be slower than it was asked to be.
  if (!call.responseStarted) call.attemptEnd = 'timeout';
  const where = call.endpoint === undefined ? '' : ` at ${call.endpoint.key}`;
  failCall(call, {
    status: GrpcStatus.DEADLINE_EXCEEDED,
    message: `the deadline of the call passed${where} before the response was complete`,
  });
}
