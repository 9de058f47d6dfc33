import type { ClientHttp2Session } from 'node:http2';
import type {
  BalancerOptions,
  CallEnded,
  Channel,
  ChannelControlHelper,
  GrpcEndpoint,
  LeafLoadBalancer,
} from '../grpc-api.ts';
import type { PickArgs, PickResult, SubchannelPicker } from '../grpc-api.ts';
import {
  channelOf,
  connectivityState,
  createChildHelper,
  createLeaf,
  createQueueResult,
  isComplete,
  OK,
  sessionOf,
  TARGET_ATTRIBUTE,
} from '../grpc-api.ts';
import type { ConnectionEvent } from '../events.ts';
import { publishConnection } from '../events.ts';
import { connectionOptions } from './connection-options.ts';
import type { Watched } from './liveness.ts';

/** Who counts the calls of all connections to an endpoint. */
export interface ConnectionOwner {
  callStarted(connection: PodConnection): void;
  callEnded(isOk: boolean): void;
  /** After each change of the connection's state; `isReady` only where that has changed. */
  connectionChanged(connection: PodConnection, errorMessage: string | null, isReady: boolean | undefined): void;
}

export interface ConnectionSettings {
  readonly endpoint: GrpcEndpoint;
  /** `ip:port` */
  readonly address: string;
  readonly helper: ChannelControlHelper;
  readonly options: BalancerOptions;
  readonly resolutionNote: string;
}

/** One connection to one endpoint, and the calls on it. */
export class PodConnection implements Watched {
  /** From 0, of those to one endpoint. */
  readonly number: number;
  activeRequests = 0;
  startedCalls = 0;
  failedCalls = 0;
  readonly #leaf: LeafLoadBalancer;
  readonly #options: BalancerOptions;
  readonly #address: string;
  #isBegun = false;
  #isDestroyed = false;
  #session: ClientHttp2Session | undefined;
  /** Calls that the server takes on it at a time, as far as that is known: it is looked up when this many are reached. */
  #maxStreams = 1;
  #counted: { readonly picker: SubchannelPicker; readonly result: PickResult } | undefined;

  // One pair for all calls of the connection: a pick allocates its result at most.
  readonly #callStarted: () => void;
  readonly #callEnded: CallEnded;

  constructor(number: number, settings: ConnectionSettings, owner: ConnectionOwner) {
    const { endpoint, address, helper: parent, options, resolutionNote } = settings;
    this.number = number;
    this.#options = options;
    this.#address = address;
    this.#callStarted = () => {
      this.activeRequests++;
      this.startedCalls++;
      owner.callStarted(this);
    };
    this.#callEnded = (code) => {
      this.activeRequests--;
      const isOk = code === OK;
      if (!isOk) this.failedCalls++;
      owner.callEnded(isOk);
    };
    let wasReady = false;
    const helper = createChildHelper(parent, (state, _picker, errorMessage) => {
      if (this.#isDestroyed) return;
      const isReady = state === connectivityState.READY;
      // A connection that was there is gone: the Pod may be, too. The resolver limits how often it really asks.
      if (wasReady && !isReady) parent.requestReresolution();
      const changed = isReady !== wasReady;
      wasReady = isReady;
      if (!isReady) {
        this.#session = undefined;
        this.#maxStreams = 1;
      }
      if (changed) this.#publish(isReady ? 'opened' : 'closed');
      else if (state === connectivityState.TRANSIENT_FAILURE) this.#publish('failed');
      owner.connectionChanged(this, errorMessage, changed ? isReady : undefined);
    });
    this.#leaf = createLeaf(endpoint, helper, connectionOptions(options, number), resolutionNote);
  }

  get state(): connectivityState {
    return this.#leaf.getConnectivityState();
  }

  get isReady(): boolean {
    return this.state === connectivityState.READY;
  }

  /** The HTTP/2 session; where grpc-js keeps it out of sight, and while it is being taken over, there is none. */
  get session(): ClientHttp2Session | undefined {
    if (this.#session === undefined && this.isReady) this.#session = sessionOf(this.#leaf.getPicker());
    return this.#session;
  }

  /** For calls on this connection and no other. */
  get channel(): Channel | undefined {
    return this.isReady ? channelOf(this.#leaf.getPicker()) : undefined;
  }

  /** No more calls fit on it: others wait until one ends (RFC 9113 §5.1.2). */
  get isFull(): boolean {
    if (this.activeRequests < this.#maxStreams) return false;
    this.#maxStreams = this.session?.remoteSettings.maxConcurrentStreams ?? Infinity;
    return this.activeRequests >= this.#maxStreams;
  }

  /** Begins to connect, or begins again if the connection was lost in peace (GOAWAY, idle). */
  connect(): void {
    if (!this.#isBegun) {
      this.#isBegun = true;
      this.#leaf.startConnecting();
    } else if (this.state === connectivityState.IDLE) this.#leaf.exitIdle();
  }

  /** Calls under way go on to their end; no call begins any more. */
  destroy(): void {
    this.#isDestroyed = true;
    if (this.isReady) this.#publish('closed');
    this.#leaf.destroy();
  }

  #publish(change: ConnectionEvent['change']): void {
    const target: unknown = this.#options[TARGET_ATTRIBUTE];
    publishConnection({ target: typeof target === 'string' ? target : '', endpoint: this.#address, change });
  }

  /**
   * A pick of this connection, that counts the call from start to end. A picker of one connection says the same for every call
   * and wants to hear nothing of calls (gRFC A61), so that one result serves them all. While there is no connection its calls
   * wait.
   */
  pick(args: PickArgs): PickResult {
    if (!this.#isBegun) return createQueueResult();
    const picker = this.#leaf.getPicker();
    if (picker !== this.#counted?.picker) {
      const result = picker.pick(args);
      if (!isComplete(result)) return result;
      const callbacks = { onCallStarted: this.#callStarted, onCallEnded: this.#callEnded };
      this.#counted = { picker, result: { ...result, ...callbacks } };
    }
    return this.#counted.result;
  }
}
