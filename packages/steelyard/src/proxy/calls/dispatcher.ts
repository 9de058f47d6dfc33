import type { HeaderBlock } from '@steelyard/http2';
import type { Call, CallSender } from './call.ts';
import type { ClusterTable, ServedCluster } from '../upstream/cluster-table.ts';
import { type CallFailure, GrpcStatus } from './grpc-status.ts';
import { withGrpcTimeout } from './grpc-timeout.ts';
import { type Replay, ReplayPool } from './replay.ts';
import type { UpstreamEndpoint } from '../upstream/upstream-endpoint.ts';

/** Draws of the policy that may name endpoints of no use before one is looked for without it. */
const DRAWS = 16;

/** Gives calls to the endpoints that their cluster's policy picks: once, or again when a pod has not touched them. */
export class Dispatcher implements CallSender {
  readonly #clusters: ClusterTable;
  readonly #replays = new ReplayPool();
  /** Which endpoint comes first when the policy names none that is of use. */
  #turn = 0;

  constructor(clusters: ClusterTable) {
    this.#clusters = clusters;
  }

  /**
   * Sends the call to an endpoint of the cluster, or tells why not.
   *
   * @param hash of the call, when the cluster's policy hashes.
   */
  send(
    call: Call,
    to: ServedCluster,
    block: HeaderBlock,
    endStream: boolean,
    hash: number | undefined,
  ): CallFailure | undefined {
    let endpoint = to.picker.pick(hash);
    if (endpoint === undefined) return noEndpoint(to.cluster.name);
    if (!endpoint.reachable) {
      endpoint.reconnect();
      endpoint = this.#pickOther(to, endpoint.key) ?? endpoint;
    }
    call.sender = this;
    call.cluster = to.cluster.name;
    call.hash = hash;
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
    const to = this.#clusters.find(call.cluster);
    const endpoint = to && (this.#pickHashed(to, call.hash, avoid) ?? this.#pickOther(to, avoid));
    if (endpoint === undefined) return false;
    call.release(GrpcStatus.UNAVAILABLE);
    call.requestSent = 0;
    const bare = replay.ended && replay.length === 0 && replay.trailers === undefined;
    if (attempt(call, endpoint, requestNow(call, replay), bare) !== undefined) return false;
    if (!bare) sendRest(call, replay);
    return true;
  }

  drop(replay: Replay): void {
    this.#replays.release(replay);
  }

  /** The endpoint that a call's hash names, if it is of use. */
  #pickHashed(to: ServedCluster, hash: number | undefined, avoid: string | undefined): UpstreamEndpoint | undefined {
    const endpoint = hash === undefined ? undefined : to.picker.pick(hash);
    return endpoint?.key !== avoid && endpoint?.reachable === true ? endpoint : undefined;
  }

  /** Any endpoint that is of use: by the policy if it names one in a few draws, else the next in turn. */
  #pickOther({ picker, endpoints }: ServedCluster, avoid: string | undefined): UpstreamEndpoint | undefined {
    for (let draw = 0; draw < DRAWS; draw++) {
      const endpoint = picker.pick();
      if (endpoint === undefined) return undefined;
      if (endpoint.key !== avoid && endpoint.reachable) return endpoint;
      endpoint.reconnect();
    }
    const first = this.#turn++;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(first + i) % endpoints.length];
      if (endpoint !== undefined && endpoint.key !== avoid && endpoint.reachable) return endpoint;
    }
    return undefined;
  }
}

/** What the callers of a cluster without endpoints are told. */
export function noEndpoint(cluster: string): CallFailure {
  return { status: GrpcStatus.UNAVAILABLE, message: `${cluster} has no endpoint that is ready` };
}

function attempt(
  call: Call,
  endpoint: UpstreamEndpoint,
  block: HeaderBlock,
  endStream: boolean,
): CallFailure | undefined {
  const upstream = endpoint.acquire();
  if (upstream === undefined) {
    return { status: GrpcStatus.UNAVAILABLE, message: endpoint.refusal() };
  }
  call.assign(endpoint, call.cluster);
  call.upstream = upstream.connection;
  call.upStream = upstream.connection.request(block, endStream, call);
  return undefined;
}

/** The request with what is left of its time. */
function requestNow({ deadline, grpc }: Call, replay: Replay): HeaderBlock {
  const block = replay.block();
  return deadline === undefined || !grpc ? block : withGrpcTimeout(block, deadline.remainingMs);
}

/** What the caller has sent beyond the header. */
function sendRest(call: Call, replay: Replay): void {
  const { upstream, upStream } = call;
  if (upstream === undefined || upStream === undefined) return;
  const parts = replay.parts();
  const last = replay.ended && replay.trailers === undefined ? parts.length - 1 : -1;
  for (const [i, { bytes, start, end }] of parts.entries()) {
    call.sent(upstream.sendData(upStream, bytes, start, end, i === last));
  }
  if (replay.trailers !== undefined) upstream.sendTrailers(upStream, replay.trailers);
}
