import type { LatencyOptions } from '@steelyard/core/balance';
import { BackendWeight, LatencyEstimate } from '@steelyard/core/balance';
import { EndpointHealth } from '@steelyard/core/health';
import { renderEndpointAddress } from '@steelyard/core/model';
import type { CallEnded, Channel, GrpcEndpoint, PickArgs, PickResult } from '../grpc-api.ts';
import { connectivityState, createQueueResult, isComplete } from '../grpc-api.ts';
import type { ConnectionOwner, ConnectionSettings } from './pod-connection.ts';
import { PodConnection } from './pod-connection.ts';

/** What tells endpoints apart: their addresses in their order. */
export function endpointKey(endpoint: GrpcEndpoint): string {
  const [only, ...others] = endpoint.addresses;
  if (only === undefined || others.length > 0) return endpoint.addresses.map(addressKey).join();
  return addressKey(only);
}

function addressKey(address: GrpcEndpoint['addresses'][number]): string {
  return 'port' in address ? renderEndpointAddress(address.host, address.port) : `unix:${address.path}`;
}

/** What the owner of an endpoint wants to know of it. */
export interface ChildObserver {
  /** After each change of the child's state or picker; `errorMessage` says why a connect failed. */
  readonly onChange: (child: EndpointChild, errorMessage: string | null) => void;
  /** After each call, with its duration; only where `timed`. */
  readonly onCallEnded: (child: EndpointChild, code: number, durationMs: number, trailers: Trailers) => void;
  readonly timed: boolean;
  readonly latency: LatencyOptions;
  readonly now: () => number;
}

export type Trailers = Parameters<CallEnded>[2];

/** `widened`: there is a connection more, or one less than calls may wait for. */
export type ChildChange = 'connected' | 'lost' | 'widened';

/** How many connections an endpoint has: so many at all times, and more, one by one, while all of them are full. */
export interface ConnectionCounts {
  readonly least: number;
  readonly most: number;
}

/** Connections to one endpoint are added no more often than this, and calls wait for one no longer. */
const GROWTH_MS = 1000;

/** One endpoint of a channel: its connections and the calls on them. To a policy it is one, however many connections it has. */
export class EndpointChild implements ConnectionOwner {
  /** `ip:port` */
  readonly key: string;
  readonly zone: string | undefined;
  readonly latency: LatencyEstimate;
  readonly backendWeight: BackendWeight = new BackendWeight();
  readonly health: EndpointHealth = new EndpointHealth();
  activeRequests = 0;
  /** Calls that have begun, and those of them that ended with a status other than OK. */
  startedCalls = 0;
  failedCalls = 0;
  /** When it was connected last. */
  startedAtMs = 0;
  #observer: ChildObserver;
  #change: ChildChange | undefined;
  readonly #settings: ConnectionSettings;
  #counts: ConnectionCounts;
  readonly #first: PodConnection;
  readonly #connections: PodConnection[];
  #wasReady = false;
  /** When the last connection beyond `least` was begun. */
  #grownAtMs = -Infinity;
  /** Calls wait for one. */
  #hasWaiting = false;

  constructor(
    endpoint: GrpcEndpoint & { readonly zone?: string },
    key: string,
    settings: Omit<ConnectionSettings, 'endpoint' | 'address'>,
    counts: ConnectionCounts,
    observer: ChildObserver,
  ) {
    this.key = key;
    this.zone = endpoint.zone;
    this.latency = new LatencyEstimate(observer.latency, observer.now());
    this.#observer = observer;
    this.#settings = { ...settings, endpoint, address: key };
    this.#counts = counts;
    this.#first = new PodConnection(0, this.#settings, this);
    this.#connections = [this.#first];
    for (let number = 1; number < counts.least; number++) this.#add(number);
  }

  get connections(): readonly PodConnection[] {
    return this.#connections;
  }

  get state(): connectivityState {
    if (this.#connections.length === 1) return this.#first.state;
    const states = new Set(this.#connections.map(({ state }) => state));
    const { READY, CONNECTING, TRANSIENT_FAILURE } = connectivityState;
    return [READY, CONNECTING, TRANSIENT_FAILURE].find((state) => states.has(state)) ?? connectivityState.IDLE;
  }

  /** For calls on a connection to it and no other. */
  get channel(): Channel | undefined {
    return this.#connections.find(({ isReady }) => isReady)?.channel;
  }

  /** Reports to another one from now on, as after a change of the configuration. */
  observe(observer: ChildObserver, counts: ConnectionCounts): void {
    this.#observer = observer;
    this.#counts = counts;
    for (let number = this.#connections.length; number < counts.least; number++) this.#add(number).connect();
  }

  /** What has happened to it since the last time this was asked. */
  takeChange(): ChildChange | undefined {
    const change = this.#change;
    this.#change = undefined;
    return change;
  }

  /** Begins to connect what is not connected, also what was lost in peace. */
  connect(): void {
    for (const connection of this.#connections) connection.connect();
  }

  /** Calls under way go on to their end; no call begins any more. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** A pick of this endpoint, on that of its connections which is the least busy; where all are full it waits for one that is on its way. */
  pick(args: PickArgs): PickResult {
    const connection = this.#connections.length === 1 ? this.#first : this.#leastBusy();
    if (connection.isFull && this.#isGrowing) {
      this.#hasWaiting = true;
      return createQueueResult();
    }
    const result = connection.pick(args);
    if (!this.#observer.timed || !isComplete(result)) return result;
    return { ...result, onCallEnded: this.#timed(result.onCallEnded) };
  }

  callStarted(connection: PodConnection): void {
    this.activeRequests++;
    this.startedCalls++;
    if (connection.isFull) this.#grow();
  }

  callEnded(isOk: boolean): void {
    this.activeRequests--;
    if (!isOk) this.failedCalls++;
    if (!this.#hasWaiting) return;
    // There is room again, sooner than the connection that was waited for.
    this.#hasWaiting = false;
    this.#change ??= 'widened';
    this.#observer.onChange(this, null);
  }

  connectionChanged(connection: PodConnection, errorMessage: string | null, isReady: boolean | undefined): void {
    // What was opened for a rush is not opened again when it is lost; the next rush opens another.
    if (
      isReady !== true &&
      connection.state !== connectivityState.CONNECTING &&
      connection.number >= this.#counts.least
    ) {
      this.#drop(connection);
    }
    if (connection.number >= this.#counts.least && connection.state !== connectivityState.CONNECTING) {
      this.#change ??= 'widened';
    }
    const isReadyNow = this.state === connectivityState.READY;
    if (isReadyNow !== this.#wasReady) {
      this.#wasReady = isReadyNow;
      this.#change = isReadyNow ? 'connected' : 'lost';
      if (isReadyNow) {
        // Behind the same address another Pod may have come up.
        this.startedAtMs = this.#observer.now();
        this.backendWeight.forget();
      }
    }
    this.#observer.onChange(this, errorMessage);
  }

  /** Is one on its way, that calls may wait for? Not if it takes its time: it may never come. */
  get #isGrowing(): boolean {
    const isOnItsWay = this.#connections.some(({ number, isReady }) => number >= this.#counts.least && !isReady);
    return isOnItsWay && this.#observer.now() - this.#grownAtMs < GROWTH_MS;
  }

  /** One more, if none of them has room, and none is on its way (gRFC A105). */
  #grow(): void {
    if (this.#connections.length >= this.#counts.most) return;
    const nowMs = this.#observer.now();
    // A server that lets nobody in is not to be dialled with every call.
    if (nowMs - this.#grownAtMs < GROWTH_MS) return;
    if (!this.#connections.every((connection) => connection.isReady && connection.isFull)) return;
    const taken = new Set(this.#connections.map(({ number }) => number));
    let number = 1;
    while (taken.has(number)) number++;
    this.#grownAtMs = nowMs;
    this.#add(number).connect();
  }

  #add(number: number): PodConnection {
    const connection = new PodConnection(number, this.#settings, this);
    this.#connections.push(connection);
    return connection;
  }

  #drop(connection: PodConnection): void {
    const at = this.#connections.indexOf(connection);
    if (at > 0) this.#connections.splice(at, 1);
    connection.destroy();
  }

  #leastBusy(): PodConnection {
    let best = this.#first;
    for (const connection of this.#connections) {
      if (!connection.isReady) continue;
      if (!best.isReady || connection.activeRequests < best.activeRequests) best = connection;
    }
    return best;
  }

  #timed(ended: PickResult['onCallEnded']): CallEnded {
    const startedAt = this.#observer.now();
    return (code, details, metadata) => {
      ended?.(code, details, metadata);
      this.#observer.onCallEnded(this, code, this.#observer.now() - startedAt, metadata);
    };
  }
}
