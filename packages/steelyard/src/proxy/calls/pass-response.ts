import { type Connection, ErrorCode, type HeaderBlock, type Stream } from '@steelyard/http2';
import { codeOfField, codeOfHeader, STATIC_200 } from '../metrics/metrics-status.ts';
import { hasNamedHeader } from '../retries/asked-plan.ts';
import { outcomeOfHeader, outcomeOfReset, outcomeOfTrailers } from '../retries/outcomes.ts';
import { changeResponse, withCookie } from '../routing/change-response.ts';
import { attemptEndOfReset } from './attempt-end.ts';
import type { Call } from './call.ts';
import type { Exchange, PodLink, StreamReset } from './exchange.ts';
import { failCall } from './fail-call.ts';
import { failureOfReset, GrpcStatus, tooLarge } from './grpc-status.ts';

/**
 * The header of a response. As long as the call can be sent again it waits for what follows, which may be a status that is
 * a reason to, unless there is more of the request to come: then the caller may be waiting for it.
 */
export function passHeaders(
  call: Call,
  link: PodLink,
  stream: Stream<Exchange>,
  block: HeaderBlock,
  endStream: boolean,
): void {
  if (block.tooLarge) {
    link.connection.reset(stream, ErrorCode.CANCEL);
    const message = tooLarge(`the metadata of the response of ${link.where}`, link.limits, block);
    failCall(call, { status: GrpcStatus.RESOURCE_EXHAUSTED, message, httpStatus: '502' });
    return;
  }
  // A 1xx response is passed on too (RFC 9110 §15.2) and does not start the final one.
  if (!stream.headersReceived) {
    call.downstream.sendHeaders(call.downStream, block, false);
    return;
  }
  call.endpoint?.observer?.onHeader(call.attemptAgeUs, block, endStream);
  call.status = codeOfHeader(block, call.grpc);
  const { replay, plan } = call;
  if (replay !== undefined && plan !== undefined) {
    const named = plan.namedHeaders !== undefined && hasNamedHeader(block, plan, plan.namedHeaders);
    if (named || endStream || block.status?.staticIndex !== STATIC_200) {
      if (named || call.status !== GrpcStatus.OK) {
        // What a header is followed by is not known when it is a reason to try again.
        call.attemptEnd = named && !endStream ? 'unsaid' : 'answered';
        if (call.sender?.retry(call, outcomeOfHeader(block, call.status, endStream, link, named)) === true) return;
      }
    } else if (call.grpc && replay.complete && !link.connection.dataFollows(stream)) {
      replay.hold(block);
      link.holds.add(call);
      return;
    }
  }
  call.responseStarted = true;
  call.commit();
  sendHead(call, block, endStream);
  if (endStream) finish(call, link.connection, stream);
}

export function passData(
  call: Call,
  connection: Connection<Exchange>,
  stream: Stream<Exchange>,
  bytes: Uint8Array,
  start: number,
  end: number,
  endStream: boolean,
): void {
  if (call.replay !== undefined) beginResponse(call);
  call.responseOctets += end - start;
  const sent = call.downstream.sendData(call.downStream, bytes, start, end, endStream);
  if (endStream) finish(call, connection, stream);
  else if (sent > 0) connection.consume(stream, sent);
}

export function passTrailers(call: Call, link: PodLink, stream: Stream<Exchange>, block: HeaderBlock): void {
  if (block.tooLarge) {
    failCall(call, {
      status: GrpcStatus.RESOURCE_EXHAUSTED,
      message: tooLarge(`the metadata after the response of ${link.where}`, link.limits, block),
    });
  } else {
    if (block.grpcStatus !== undefined) call.status = codeOfField(block.grpcStatus);
    call.endpoint?.observer?.onTrailers(block);
    if (call.replay !== undefined) {
      // There was no message.
      if (call.plan !== undefined && call.status !== GrpcStatus.OK) {
        call.attemptEnd = 'answered';
        const outcome = outcomeOfTrailers(block, call.replay.held, call.status, link);
        if (call.sender?.retry(call, outcome) === true) return;
      }
      beginResponse(call);
    }
    call.downstream.sendTrailers(call.downStream, block);
  }
  finish(call, link.connection, stream);
}

export function answerReset(call: Call, link: PodLink, stream: Stream<Exchange>, reset: StreamReset): void {
  const { code, cause } = reset;
  call.attemptEnd = attemptEndOfReset(code, cause);
  const untouched = reset.untouched && !stream.headersReceived;
  if (untouched) {
    // A pod that cannot be reached is of no use; one that is going away may take the call on a new connection.
    const avoid = cause === 'connection' ? link.where : undefined;
    if (call.sender?.resend(call, avoid) === true) return;
  }
  const failure = failureOfReset(reset, link.where);
  // A caller that takes nothing is no reason to ask another pod.
  if (cause !== 'stalled' && call.sender?.retry(call, outcomeOfReset(reset, untouched, failure)) === true) return;
  failCall(call, failure);
}

/** The same with a header that was held elsewhere. */
export function passHeldHead(call: Call, head: HeaderBlock): void {
  call.responseStarted = true;
  sendHead(call, head, false);
  call.commit();
}

/** The response goes on to the caller from here on, with its header if that was held. */
export function beginResponse(call: Call): void {
  const held = call.replay?.held;
  call.responseStarted = true;
  if (held !== undefined) sendHead(call, held, false);
  call.commit();
}

export function sendHead(call: Call, block: HeaderBlock, endStream: boolean): void {
  const { responseRules, cookie } = call;
  let sent = responseRules === undefined ? block : changeResponse(block, responseRules);
  if (cookie !== undefined) sent = withCookie(sent, cookie);
  call.downstream.sendHeaders(call.downStream, sent, endStream);
}

/** The response is complete. What is left of the request is of no use to the pod (RFC 9113 §8.1). */
function finish(call: Call, connection: Connection<Exchange>, stream: Stream<Exchange>): void {
  call.attemptEnd = 'answered';
  call.end(call.status);
  if (!stream.localClosed) connection.reset(stream, ErrorCode.CANCEL);
}
