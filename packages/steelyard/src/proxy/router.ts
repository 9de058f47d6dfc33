import type { Random } from '@steelyard/core/balance';
import type { Snapshot, VirtualHost } from '@steelyard/core/model';
import {
  createRouteTable,
  explainNoRoute,
  type RouteRequest,
  type RouteTable,
  type RouteTableOptions,
  selectDestination,
  selectRoute,
} from '@steelyard/core/routing';
import type { Field, HeaderBlock } from '@steelyard/http2';
import type { Call } from './call.ts';
import type { ClusterTable } from './cluster-table.ts';
import { type CallFailure, GrpcStatus } from './grpc-status.ts';

/** How many callers' authorities are remembered by the identity of their field. */
const REMEMBERED = 1024;

/** Decides for each call where it goes, and sends it there. */
export class Router {
  readonly #clusters: ClusterTable;
  readonly #options: RouteTableOptions;
  readonly #random: Random;
  #table: RouteTable;
  /** Authorities that repeat are one shared field: no string is needed to find their virtual host again. */
  readonly #hosts = new Map<Field, VirtualHost>();
  readonly #request = new BlockRequest();

  constructor(snapshot: Snapshot, clusters: ClusterTable, options: RouteTableOptions, random: Random) {
    this.#clusters = clusters;
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
  forward(call: Call, block: HeaderBlock, endStream: boolean): CallFailure | undefined {
    const authority = block.authority ?? block.host;
    const host = this.#findHost(authority);
    if (host === undefined) {
      return { status: GrpcStatus.UNIMPLEMENTED, message: this.#table.explainMiss(authority?.text ?? '') };
    }
    this.#request.block = block;
    const route = selectRoute(host, this.#request);
    if (route === undefined) return { status: GrpcStatus.UNIMPLEMENTED, message: explainNoRoute(host) };
    const destination = selectDestination(route, this.#random);
    const endpoint = this.#clusters.pickerOf(destination.cluster)?.pick();
    if (endpoint === undefined) {
      return { status: GrpcStatus.UNAVAILABLE, message: `${destination.cluster} has no endpoint that is ready` };
    }
    const upstream = endpoint.acquire();
    if (upstream === undefined) {
      return { status: GrpcStatus.UNAVAILABLE, message: `all connections to ${endpoint.key} are full` };
    }
    endpoint.activeRequests++;
    call.endpoint = endpoint;
    call.upstream = upstream.connection;
    call.upStream = upstream.connection.request(block, endStream, call);
    return undefined;
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
}
