import type { Picker } from '@steelyard/core/balance';
import type { EndpointChild } from './endpoint-child.ts';
import type { PickArgs, PickResult, SubchannelPicker } from '../grpc-api.ts';
import { connectivityState, createQueueResult } from '../grpc-api.ts';
import type { CallHash } from './ready-picker.ts';

/**
 * All endpoints of a channel under a policy, connected or not: one is connected to when the policy chooses it for a call. With a
 * policy that hashes the call waits for it (gRFC A42), else it goes to one that is there.
 */
export class LazyPicker implements SubchannelPicker {
  readonly #endpoints: readonly EndpointChild[];
  readonly #all: Picker<EndpointChild>;
  readonly #ready: SubchannelPicker | undefined;
  readonly #hash: CallHash;

  /** @param ready over those that are connected; absent where none is */
  constructor(
    endpoints: readonly EndpointChild[],
    all: Picker<EndpointChild>,
    ready: SubchannelPicker | undefined,
    hash: CallHash,
  ) {
    this.#endpoints = endpoints;
    this.#all = all;
    this.#ready = ready;
    this.#hash = hash;
  }

  pick(args: PickArgs): PickResult {
    const hash = this.#hash(args);
    const chosen = this.#all.pick(hash);
    const { READY, IDLE, TRANSIENT_FAILURE } = connectivityState;
    if (chosen?.state === READY) return chosen.pick(args);
    // A change of state must not come while the channel picks.
    process.nextTick(() => {
      // One that cannot be connected to tries again by itself; meanwhile another one is to be had.
      const isAway = chosen?.state === TRANSIENT_FAILURE;
      (isAway ? this.#endpoints.find(({ state }) => state === IDLE) : chosen)?.connect();
    });
    const waits = this.#ready === undefined || (hash !== undefined && chosen?.state !== TRANSIENT_FAILURE);
    return waits ? createQueueResult() : this.#ready.pick(args);
  }
}
