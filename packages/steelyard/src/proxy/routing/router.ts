import type { Random } from '@steelyard/core/balance';
import type { Route, Snapshot, VirtualHost } from '@steelyard/core/model';
import {
  createRouteTable,
  explainNoRoute,
  findRoute,
  hashOfCall,
  type RouteRequest,
  type RouteTable,
  type RouteTableOptions,
  selectDestination,
  selectRoute,
} from '@steelyard/core/routing';
import type { Field, HeaderBlock } from '@steelyard/http2';
import type { Call } from '../calls/call.ts';
import type { DeadlineWheel } from '../calls/deadline-wheel.ts';
import { changeRequest, leavesRequest } from './change-request.ts';
import { responseRulesOf } from './change-response.ts';
import type { ClusterTable, ServedCluster } from '../upstream/cluster-table.ts';
import { Dispatcher, noEndpoint } from '../calls/dispatcher.ts';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import { grpcTimeoutOf, withGrpcTimeout } from '../calls/grpc-timeout.ts';
import { abortOf, answerOf } from './route-answer.ts';

/** How many callers' authorities are remembered by the identity of their field. */
const REMEMBERED = 1024;

/** Where a call comes from. */
export interface Caller {
  /** IP address of the caller; empty once it is gone. */
  readonly address: string;
}

/** Decides for each call where it goes, and sends it there. */
export class Router {
  readonly #clusters: ClusterTable;
  readonly #dispatcher: Dispatcher;
  readonly #options: RouteTableOptions;
  readonly #random: Random;
  readonly #deadlines: DeadlineWheel<Call>;
  #table: RouteTable;
  /** Authorities that repeat are one shared field: no string is needed to find their virtual host again. */
  readonly #hosts = new Map<Field, VirtualHost>();
  readonly #request = new BlockRequest();

  constructor(
    snapshot: Snapshot,
    clusters: ClusterTable,
    options: RouteTableOptions,
    random: Random,
    deadlines: DeadlineWheel<Call>,
  ) {
    this.#deadlines = deadlines;
    this.#clusters = clusters;
    this.#dispatcher = new Dispatcher(clusters);
    this.#options = options;
    this.#random = random;
    this.#table = createRouteTable(snapshot, options);
  }

  update(snapshot: Snapshot): void {
    this.#table = createRouteTable(snapshot, this.#options);
    this.#hosts.clear();
    this.#clusters.update(snapshot);
  }

  /** Sends the call on, or tells why not. */
  forward(call: Call, block: HeaderBlock, endStream: boolean, caller: Caller): CallFailure | undefined {
    const authority = block.authority ?? block.host;
    const host = this.#findHost(authority);
    if (host === undefined) {
      return { status: GrpcStatus.UNIMPLEMENTED, message: this.#table.explainMiss(authority?.text ?? '') };
    }
    this.#request.block = block;
    const route = selectRoute(host, this.#request);
    if (route === undefined) return { status: GrpcStatus.UNIMPLEMENTED, message: explainNoRoute(host) };
    const abort = abortOf(route.fault, this.#random);
    if (abort !== undefined) return abort;
    if (route.answer !== undefined) return this.#answer(route, host, authority);
    const destination = selectDestination(route, this.#random);
    const cluster = this.#clusters.find(destination.cluster);
    if (cluster === undefined) return noEndpoint(destination.cluster);
    const hash = cluster.hashes ? this.#hashOf(cluster, caller) : undefined;
    call.responseRules = responseRulesOf(route, destination);
    const sent = leavesRequest(route, destination)
      ? block
      : changeRequest(block, route, destination, findRoute(host, this.#request)?.match);
    return this.#dispatcher.send(call, cluster, this.#limitTime(call, route, block, sent), endStream, hash);
  }

  /**
   * Sets the call's deadline: what its caller gives it, but no more than the route does. It counts from the beginning of
   * the call, as gRPC's deadlines do.
   *
   * @param asked the request as its caller sent it.
   * @param sent the request as it goes on.
   * @returns the request that says how long the pod has.
   */
  #limitTime(call: Call, { timeoutMs = Infinity }: Route, asked: HeaderBlock, sent: HeaderBlock): HeaderBlock {
    const askedMs = call.grpc ? grpcTimeoutOf(asked) : undefined;
    const ms = Math.min(askedMs ?? Infinity, timeoutMs);
    if (ms === Infinity) return sent;
    call.deadline = this.#deadlines.add(call.startedUs / 1000 + ms, call);
    return call.grpc && ms !== askedMs ? withGrpcTimeout(sent, ms) : sent;
  }

  /** Whether there is a virtual host for what the request names. */
  serves(block: HeaderBlock): boolean {
    return this.#findHost(block.authority ?? block.host) !== undefined;
  }

  /** By the request as its caller sent it, before a rule has changed it. */
  #hashOf({ cluster: { loadBalancer } }: ServedCluster, caller: Caller): number | undefined {
    const isBySource = 'key' in loadBalancer && loadBalancer.key.kind === 'source-address';
    return hashOfCall(loadBalancer, this.#request, isBySource ? caller.address : undefined);
  }

  #answer(route: Route, host: VirtualHost, authority: Field | undefined): CallFailure | undefined {
    const match = findRoute(host, this.#request)?.match;
    return answerOf(route, match, this.#request.path, authority?.text ?? host.host);
  }

  #findHost(authority: Field | undefined): VirtualHost | undefined {
    if (authority === undefined) return this.#table.findVirtualHost('');
    const known = this.#hosts.get(authority);
    if (known !== undefined) return known;
    const host = this.#table.findVirtualHost(authority.text);
    if (host !== undefined && authority.owned) {
      if (this.#hosts.size >= REMEMBERED) this.#hosts.clear();
      this.#hosts.set(authority, host);
    }
    return host;
  }
}

/** The header block as routes see it: strings are made only for what a rule asks about. */
class BlockRequest implements RouteRequest {
  block: HeaderBlock | undefined = undefined;

  get path(): string {
    return this.block?.path?.text ?? '';
  }

  get method(): string {
    return this.block?.method?.text ?? '';
  }

  get scheme(): string {
    return this.block?.scheme?.text ?? '';
  }

  get authority(): string {
    return (this.block?.authority ?? this.block?.host)?.text ?? '';
  }

  header(name: string): string | undefined {
    const { block } = this;
    if (block === undefined) return undefined;
    let found: string | undefined;
    for (let at = 0; at < block.count; at++) {
      const field = block.fields[at];
      // RFC 9110 §5.3: lines of one name are one value, joined by commas.
      if (field?.name.text === name) found = found === undefined ? field.text : `${found},${field.text}`;
    }
    return found;
  }
}
