import type { Connection, HeaderBlock, Stream } from '@steelyard/http2';
import { withPreviousAttempts } from '../retries/previous-attempts.ts';
import type { ClusterMember } from '../upstream/cluster-member.ts';
import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';
import type { CallFailure } from './grpc-status.ts';
import { withGrpcTimeout } from './grpc-timeout.ts';
import type { Replay } from './replay.ts';

/** Gives the call to an endpoint: its header, and what of its body comes from now on. */
export function attempt(
  call: Call,
  member: ClusterMember,
  block: HeaderBlock,
  endStream: boolean,
): CallFailure | undefined {
  const upstream = member.acquire();
  if (upstream === undefined) return member.refusal();
  call.assign(member, call.cluster);
  call.upstream = upstream.connection;
  call.upStream = upstream.connection.request(block, endStream, call);
  return undefined;
}

/** The same from the call's replay, with all that there is of the request. */
export function attemptAgain(call: Call, member: ClusterMember, replay: Replay): CallFailure | undefined {
  call.requestSent = 0;
  const failure = attempt(call, member, requestNow(call, replay), replay.bare);
  if (failure !== undefined || replay.bare) return failure;
  const { upstream, upStream } = call;
  if (upstream !== undefined && upStream !== undefined) {
    sendRest(upstream, upStream, replay, call);
  }
  return undefined;
}

/** The request with what is left of its time, and the number of attempts that it had. */
export function requestNow({ deadline, grpc, recovery }: Call, replay: Replay, previous = 0): HeaderBlock {
  let block = replay.block();
  if (!grpc) return block;
  if (deadline !== undefined) block = withGrpcTimeout(block, deadline.remainingMs);
  const attempts = previous + (recovery?.retries ?? 0);
  return attempts === 0 ? block : withPreviousAttempts(block, attempts);
}

/** What the caller has sent beyond the header. */
export function sendRest(
  connection: Connection<Exchange>,
  stream: Stream<Exchange>,
  replay: Replay,
  sender: { sent(count: number): void },
): void {
  const parts = replay.parts();
  const last = replay.ended && replay.trailers === undefined ? parts.length - 1 : -1;
  for (const [i, { bytes, start, end }] of parts.entries()) {
    sender.sent(connection.sendData(stream, bytes, start, end, i === last));
  }
  if (replay.trailers !== undefined) connection.sendTrailers(stream, replay.trailers);
}
