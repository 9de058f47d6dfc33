import type { Balanced } from '@steelyard/core/balance';
import type { Connection, Stream } from '@steelyard/http2';

/** One call on its way through: the stream it came by, and the one it was sent on by. */
export class Call {
  readonly downstream: Connection<Call>;
  readonly downStream: Stream<Call>;
  /** The caller speaks gRPC, so failures are gRPC statuses. */
  readonly grpc: boolean;
  upstream: Connection<Call> | undefined = undefined;
  upStream: Stream<Call> | undefined = undefined;
  endpoint: Balanced | undefined = undefined;
  /** A final response header has been passed on. */
  responseStarted = false;

  constructor(downstream: Connection<Call>, downStream: Stream<Call>, grpc: boolean) {
    this.downstream = downstream;
    this.downStream = downStream;
    this.grpc = grpc;
  }

  /** The endpoint is no longer busy with this call. Idempotent. */
  release(): void {
    if (this.endpoint === undefined) return;
    this.endpoint.activeRequests--;
    this.endpoint = undefined;
  }
}

/** Every stream gets its call in `onHeaders`, before anything else can happen to it. */
export function contextOf(stream: Stream<Call>): Call {
  const call = stream.context;
  if (call === undefined) throw new Error(`stream ${stream.id} has no call`);
  return call;
}
