import type { HeaderBlock } from '@steelyard/http2';
import type { Call, CallSender } from './call.ts';
import type { ClusterTable } from './cluster-table.ts';
import { type CallFailure, GrpcStatus } from './grpc-status.ts';
import { type Replay, ReplayPool } from './replay.ts';
import type { UpstreamEndpoint } from './upstream-endpoint.ts';

/** Draws of the policy that may name the endpoint to avoid before it is taken that there is no other. */
const DRAWS = 16;

/** Gives calls to the endpoints that their cluster's policy picks: once, or again when a pod has not touched them. */
export class Dispatcher implements CallSender {
  readonly #clusters: ClusterTable;
  readonly #replays = new ReplayPool();

  constructor(clusters: ClusterTable) {
    this.#clusters = clusters;
  }

  /** Sends the call to an endpoint of the cluster, or tells why not. */
  send(call: Call, cluster: string, block: HeaderBlock, endStream: boolean): CallFailure | undefined {
    const endpoint = this.#clusters.pickerOf(cluster)?.pick();
    if (endpoint === undefined) {
      return { status: GrpcStatus.UNAVAILABLE, message: `${cluster} has no endpoint that is ready` };
    }
    call.sender = this;
    call.cluster = cluster;
    const failure = attempt(call, endpoint, block, endStream);
    // The call may be over by now: its connection can fail while it is being written to.
    if (failure === undefined && !call.responseStarted) {
      call.replay = this.#replays.acquire();
      call.replay.begin(block, endStream);
    }
    return failure;
  }

  /**
   * Sends a call again from its replay. False when that is not possible.
   *
   * @param avoid key of an endpoint that is of no use; without it, any will do.
   */
  resend(call: Call, avoid?: string): boolean {
    const { replay } = call;
    if (replay === undefined || !replay.again()) return false;
    const endpoint = this.#pickOther(call.cluster, avoid);
    if (endpoint === undefined) return false;
    call.release(GrpcStatus.UNAVAILABLE);
    const bare = replay.ended && replay.length === 0 && replay.trailers === undefined;
    if (attempt(call, endpoint, replay.block(), bare) !== undefined) return false;
    if (!bare) sendRest(call, replay);
    return true;
  }

  drop(replay: Replay): void {
    this.#replays.release(replay);
  }

  #pickOther(cluster: string, avoid: string | undefined): UpstreamEndpoint | undefined {
    const picker = this.#clusters.pickerOf(cluster);
    for (let draw = 0; draw < DRAWS; draw++) {
      const endpoint = picker?.pick();
      if (endpoint?.key !== avoid) return endpoint;
    }
    return undefined;
  }
}

function attempt(
  call: Call,
  endpoint: UpstreamEndpoint,
  block: HeaderBlock,
  endStream: boolean,
): CallFailure | undefined {
  const upstream = endpoint.acquire();
  if (upstream === undefined) {
    return { status: GrpcStatus.UNAVAILABLE, message: `all connections to ${endpoint.key} are full` };
  }
  call.assign(endpoint, call.cluster);
  call.upstream = upstream.connection;
  call.upStream = upstream.connection.request(block, endStream, call);
  return undefined;
}

/** The octets of a replay have had their credit already: what waits now must not give it a second time. */
function sendRest(call: Call, replay: Replay): void {
  const { upstream, upStream } = call;
  if (upstream === undefined || upStream === undefined) return;
  let sent = 0;
  const parts = replay.parts();
  const last = replay.ended && replay.trailers === undefined ? parts.length - 1 : -1;
  for (const [i, { bytes, start, end }] of parts.entries()) {
    sent += upstream.sendData(upStream, bytes, start, end, i === last);
  }
  call.creditedAhead = replay.length - sent;
  if (replay.trailers !== undefined) upstream.sendTrailers(upStream, replay.trailers);
}
