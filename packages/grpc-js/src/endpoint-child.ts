import type { Balanced } from '@steelyard/core/balance';
import type { BalancerOptions, ChannelControlHelper, GrpcEndpoint, LeafLoadBalancer } from './grpc-api.ts';
import type { PickArgs, PickResult, SubchannelPicker } from './grpc-api.ts';
import { connectivityState, createChildHelper, createLeaf, isComplete } from './grpc-api.ts';

/** One endpoint of a channel: its connection, kept open, and the calls under way on it. */
export class EndpointChild implements Balanced {
  activeRequests = 0;
  readonly #leaf: LeafLoadBalancer;
  #destroyed = false;

  // One pair for all calls of the endpoint: a pick allocates its result only.
  readonly #callStarted = (): void => {
    this.activeRequests++;
  };
  readonly #callEnded = (): void => {
    this.activeRequests--;
  };

  /** `onChange` is called after each change of the child's state or picker; `errorMessage` says why a connect failed. */
  constructor(
    endpoint: GrpcEndpoint,
    parent: ChannelControlHelper,
    options: BalancerOptions,
    resolutionNote: string,
    onChange: (errorMessage: string | null) => void,
  ) {
    let wasReady = false;
    const helper = createChildHelper(parent, (state, _picker, errorMessage) => {
      if (this.#destroyed) return;
      // A connection that was there is gone: the Pod may be, too. The resolver limits how often it really asks.
      if (wasReady && state !== connectivityState.READY) parent.requestReresolution();
      wasReady = state === connectivityState.READY;
      onChange(errorMessage);
    });
    this.#leaf = createLeaf(endpoint, helper, options, resolutionNote);
  }

  get state(): connectivityState {
    return this.#leaf.getConnectivityState();
  }

  /** The leaf's picker of the moment. */
  get picker(): SubchannelPicker {
    return this.#leaf.getPicker();
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

  /** A pick of this endpoint by its `picker`, that counts the call from start to end. */
  pick(picker: SubchannelPicker, args: PickArgs): PickResult {
    const result = picker.pick(args);
    if (!isComplete(result)) return result;
    const { onCallStarted, onCallEnded } = result;
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
          ? this.#callEnded
          : (code, details, metadata) => {
              this.#callEnded();
              onCallEnded(code, details, metadata);
            },
    };
  }
}
