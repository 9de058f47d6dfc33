import type { LatencyOptions } from '@steelyard/core/balance';
import { BackendWeight, LatencyEstimate } from '@steelyard/core/balance';
import { EndpointHealth } from '@steelyard/core/health';
import { renderEndpointAddress } from '@steelyard/core/model';
import type { BalancerOptions, CallEnded, ChannelControlHelper, GrpcEndpoint, LeafLoadBalancer } from './grpc-api.ts';
import type { PickArgs, PickResult } from './grpc-api.ts';
import { connectivityState, createChildHelper, createLeaf, isComplete, OK } from './grpc-api.ts';

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

/** One endpoint of a channel: its connection, kept open, and the calls on it. */
export class EndpointChild {
  /** `address`, and `#1` and so on where there are more connections than one. */
  readonly key: string;
  readonly address: string;
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
  #change: 'connected' | 'lost' | undefined;
  readonly #leaf: LeafLoadBalancer;
  #destroyed = false;

  // One pair for all calls of the endpoint: a pick allocates its result only.
  readonly #callStarted = (): void => {
    this.activeRequests++;
    this.startedCalls++;
  };
  readonly #callEnded: CallEnded = (code) => {
    this.activeRequests--;
    if (code !== OK) this.failedCalls++;
  };

  constructor(
    endpoint: GrpcEndpoint & { readonly zone?: string },
    key: string,
    parent: ChannelControlHelper,
    options: BalancerOptions,
    resolutionNote: string,
    observer: ChildObserver,
  ) {
    this.key = key;
    this.address = endpointKey(endpoint);
    this.zone = endpoint.zone;
    this.latency = new LatencyEstimate(observer.latency, observer.now());
    this.#observer = observer;
    let wasReady = false;
    const helper = createChildHelper(parent, (state, _picker, errorMessage) => {
      if (this.#destroyed) return;
      const isReady = state === connectivityState.READY;
      // A connection that was there is gone: the Pod may be, too. The resolver limits how often it really asks.
      if (wasReady && !isReady) parent.requestReresolution();
      if (isReady && !wasReady) {
        // Behind the same address another Pod may have come up.
        this.startedAtMs = this.#observer.now();
        this.backendWeight.forget();
      }
      if (isReady !== wasReady) this.#change = isReady ? 'connected' : 'lost';
      wasReady = isReady;
      this.#observer.onChange(this, errorMessage);
    });
    this.#leaf = createLeaf(endpoint, helper, options, resolutionNote);
  }

  get state(): connectivityState {
    return this.#leaf.getConnectivityState();
  }

  /** Reports to another one from now on, as after a change of the configuration. */
  observe(observer: ChildObserver): void {
    this.#observer = observer;
  }

  /** Whether it was connected or lost since the last time this was asked. */
  takeChange(): 'connected' | 'lost' | undefined {
    const change = this.#change;
    this.#change = undefined;
    return change;
  }

  connect(): void {
    this.#leaf.startConnecting();
  }

  /** Connects again, if the connection was lost in peace (GOAWAY, idle). */
  exitIdle(): void {
    if (this.state === connectivityState.IDLE) this.#leaf.exitIdle();
  }

  /** Calls under way go on to their end; no call begins any more. */
  destroy(): void {
    this.#destroyed = true;
    this.#leaf.destroy();
  }

  /** A pick of this endpoint, that counts the call from start to end. */
  pick(args: PickArgs): PickResult {
    const result = this.#leaf.getPicker().pick(args);
    if (!isComplete(result)) return result;
    const { onCallStarted, onCallEnded } = result;
    const ended = this.#observer.timed ? this.#timedCallEnded() : this.#callEnded;
    return {
      ...result,
      onCallStarted:
        onCallStarted === null
          ? this.#callStarted
          : () => {
              onCallStarted();
              this.#callStarted();
            },
      onCallEnded:
        onCallEnded === null
          ? ended
          : (code, details, metadata) => {
              ended(code, details, metadata);
              onCallEnded(code, details, metadata);
            },
    };
  }

  #timedCallEnded(): CallEnded {
    const startedAt = this.#observer.now();
    return (code, details, metadata) => {
      this.#callEnded(code, details, metadata);
      this.#observer.onCallEnded(this, code, this.#observer.now() - startedAt, metadata);
    };
  }
}
