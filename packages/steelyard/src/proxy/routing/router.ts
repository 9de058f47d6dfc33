import type { Random } from '@steelyard/core/balance';
import type { Mirror, Route, Snapshot, VirtualHost } from '@steelyard/core/model';
import {
  explainNoRoute,
  findRoute,
  hashOfCall,
  meantEndpoint,
  type RouteRequest,
  type RouteTable,
  selectDestination,
  selectRoute,
} from '@steelyard/core/routing';
import { type Field, HeaderBlock } from '@steelyard/http2';
import type { Call } from '../calls/call.ts';
import type { DeadlineWheel, Due } from '../calls/deadline-wheel.ts';
import { changeRequest, leavesRequest } from './change-request.ts';
import { createTable, type RoutingOptions } from './entrance.ts';
import { responseRulesOf } from './change-response.ts';
import type { ClusterTable, ServedCluster } from '../upstream/cluster-table.ts';
import { Dispatcher, noEndpoint } from '../calls/dispatcher.ts';
import { type CallFailure, GrpcStatus } from '../calls/grpc-status.ts';
import { grpcTimeoutOf, withGrpcTimeout } from '../calls/grpc-timeout.ts';
import { planAsked } from '../retries/asked-plan.ts';
import { retryPlanOf } from '../retries/retry-plan.ts';
import { Shadow } from '../shadows/shadow.ts';
import { Shadows } from '../shadows/shadows.ts';
import { createHashCookie } from './hash-cookie.ts';
import { abortOf, answerOf, delayOf } from './route-answer.ts';

/** How many callers' authorities are remembered by the identity of their field. */
const REMEMBERED = 1024;

/** Where a call comes from. */
export interface Caller {
  /** IP address of the caller; empty once it is gone. */
  readonly address: string;
  /** `ip:port` of the same. */
  readonly peer: string;
  readonly localAddress: string;
}

/** Decides for each call where it goes, and sends it there. */
export class Router {
  readonly #clusters: ClusterTable;
  readonly #dispatcher: Dispatcher;
  readonly #options: RoutingOptions;
  readonly #random: Random;
  readonly #deadlines: DeadlineWheel<Due>;
  #table: RouteTable;
  /** Authorities that repeat are one shared field: no string is needed to find their virtual host again. */
  readonly #hosts = new Map<Field, VirtualHost>();
  readonly #request = new BlockRequest();

  constructor(
    snapshot: Snapshot,
    clusters: ClusterTable,
    options: RoutingOptions,
    random: Random,
    deadlines: DeadlineWheel<Due>,
  ) {
    this.#deadlines = deadlines;
    this.#clusters = clusters;
    this.#dispatcher = new Dispatcher(clusters, deadlines, random);
    this.#options = options;
    this.#random = random;
    this.#table = createTable(snapshot, options);
  }

  update(snapshot: Snapshot): void {
    this.#table = createTable(snapshot, this.#options);
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
    const delayMs = delayOf(route.fault, this.#random);
    const abort = abortOf(route.fault, this.#random);
    if (abort !== undefined) {
      if (delayMs === 0) return abort;
      this.#limitTime(call, route, block, block, delayMs);
      this.#dispatcher.failLater(delayMs, call, abort);
      return undefined;
    }
    if (route.answer !== undefined) return this.#answer(route, host, authority);
    const destination = selectDestination(route, this.#random);
    const cluster = this.#clusters.find(destination.cluster);
    if (cluster === undefined) return noEndpoint(destination.cluster);
    const hash = cluster.hashes ? (this.#hashOf(cluster, caller) ?? giveCookie(call, cluster, caller)) : undefined;
    call.responseRules = responseRulesOf(route, destination);
    const changed = leavesRequest(route, destination)
      ? block
      : changeRequest(block, route, destination, findRoute(host, this.#request)?.match);
    let sent = this.#limitTime(call, route, block, changed, delayMs);
    let plan = retryPlanOf(route.retry);
    // Nobody looks at a request whose route says no such word, and sets no header.
    if (plan !== undefined && (plan.asks || changed !== block)) {
      const asked = planAsked(plan, sent);
      if (asked !== undefined) ({ plan, sent } = asked);
    }
    const { mirrors } = route;
    // Whoever sends the request takes its fields: the copies have theirs before.
    const copies = mirrors === undefined ? undefined : this.#copy(sent, mirrors, caller);
    if (delayMs > 0) this.#dispatcher.sendLater(delayMs, call, cluster, sent, endStream, hash, plan);
    else {
      const failure = this.#dispatcher.send(call, cluster, sent, endStream, hash, plan);
      if (failure !== undefined) return failure;
    }
    if (copies !== undefined) this.#mirror(call, copies, endStream);
    return undefined;
  }

  /** The requests that go to the mirrors that get this call. */
  #copy(block: HeaderBlock, mirrors: readonly Mirror[], caller: Caller): readonly Copy[] {
    return mirrors.flatMap(({ cluster, percent }) => {
      if (percent <= 0 || (percent < 100 && this.#random() * 100 >= percent)) return [];
      const to = this.#clusters.find(cluster);
      if (to === undefined) return [];
      const hash = to.hashes ? this.#hashOf(to, caller) : undefined;
      return [{ to, hash, block: HeaderBlock.of(block.fields.slice(0, block.count)) }];
    });
  }

  #mirror(call: Call, copies: readonly Copy[], endStream: boolean): void {
    // Its connection may have failed while it was being written to.
    if (call.over) return;
    const shadows = copies.flatMap(
      ({ to, hash, block }) => Shadow.start(call, to, hash, block, endStream, this.#deadlines) ?? [],
    );
    if (shadows.length > 0) call.shadows = new Shadows(shadows);
  }

  /**
   * Sets the call's deadline: what its caller gives it, but no more than the route does. It counts from the beginning of
   * the call, as gRPC's deadlines do.
   *
   * @param asked the request as its caller sent it.
   * @param sent the request as it goes on.
   * @param delayMs of a fault, which the route's time does not count (Envoy's fault filter stands before its router).
   * @returns the request that says how long the pod has.
   */
  #limitTime(
    call: Call,
    { timeoutMs = Infinity }: Route,
    asked: HeaderBlock,
    sent: HeaderBlock,
    delayMs: number,
  ): HeaderBlock {
    const askedMs = call.grpc ? grpcTimeoutOf(asked) : undefined;
    const ms = Math.min(askedMs ?? Infinity, timeoutMs + delayMs);
    if (ms === Infinity) return sent;
    call.deadline = this.#deadlines.add(call.startedUs / 1000 + ms, call);
    return call.grpc && ms !== askedMs ? withGrpcTimeout(sent, ms) : sent;
  }

  /** Whether there is a virtual host for what the request names. */
  serves(block: HeaderBlock): boolean {
    return this.#findHost(block.authority ?? block.host) !== undefined;
  }

  /** By the request as its caller sent it, before a rule has changed it. */
  #hashOf({ cluster }: ServedCluster, caller: Caller): number | undefined {
    const { loadBalancer } = cluster;
    if (loadBalancer.kind === 'PASSTHROUGH') return meantEndpoint(cluster, this.#request);
    const isBySource = 'key' in loadBalancer && loadBalancer.key.kind === 'source-address';
    return hashOfCall(loadBalancer, this.#request, isBySource ? caller.address : undefined);
  }

  #answer(route: Route, host: VirtualHost, authority: Field | undefined): CallFailure | undefined {
    const match = findRoute(host, this.#request)?.match;
    const { path, scheme } = this.#request;
    return answerOf(route, match, path, authority?.text ?? host.host, { scheme, port: host.port });
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

/** A request for a mirror. */
interface Copy {
  readonly to: ServedCluster;
  readonly hash: number | undefined;
  readonly block: HeaderBlock;
}

/** A caller without the cookie that its calls go by gets one: the hash of it. */
function giveCookie(call: Call, { cluster: { loadBalancer } }: ServedCluster, caller: Caller): number | undefined {
  if (!('key' in loadBalancer)) return undefined;
  const cookie = createHashCookie(loadBalancer.key, `${caller.peer} ${caller.localAddress}`);
  call.cookie = cookie?.field;
  return cookie?.hash;
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
