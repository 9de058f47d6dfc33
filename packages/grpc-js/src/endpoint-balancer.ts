import type { Balanced, Picker, Random } from '@steelyard/core/balance';
import { createPicker } from '@steelyard/core/balance';
import type { LoadBalancerPolicy } from '@steelyard/core/model';
import { EndpointChild } from './endpoint-child.ts';
import type { BalancerOptions, ChannelControlHelper, EndpointMap, GrpcEndpoint, LoadBalancer } from './grpc-api.ts';
import type { PickArgs, PickResult, StatusOr, SubchannelPicker, TypedLoadBalancingConfig } from './grpc-api.ts';
import { connectivityState, createEndpointMap, createQueuePicker, createUnavailablePicker } from './grpc-api.ts';
import type { PolicyName } from './policy-config.ts';
import { PolicyConfig } from './policy-config.ts';

/**
 * A grpc-js load balancer around a policy of `@steelyard/core`: holds a connection to every endpoint that the resolver
 * names and lets the policy choose among the connected ones, call by call.
 */
export class EndpointBalancer implements LoadBalancer {
  readonly #helper: ChannelControlHelper;
  readonly #name: PolicyName;
  readonly #random: Random;
  readonly #children: EndpointMap<EndpointChild> = createEndpointMap();
  #config: PolicyConfig | undefined;
  #picker: ReadyPicker | undefined;
  #lastError = '';
  /** While an address list is taken over, children report, but the channel hears of it once, at the end. */
  #updating = false;

  constructor(helper: ChannelControlHelper, name: PolicyName, random: Random) {
    this.#helper = helper;
    this.#name = name;
    this.#random = random;
  }

  updateAddressList(
    endpoints: StatusOr<GrpcEndpoint[]>,
    config: TypedLoadBalancingConfig,
    options: BalancerOptions,
    resolutionNote: string,
  ): boolean {
    if (!(config instanceof PolicyConfig)) return false;
    if (!endpoints.ok) {
      // Known endpoints serve on: a resolver that fails says nothing about them.
      if (this.#children.size === 0) this.#fail(endpoints.error.details);
      return true;
    }
    if (this.#config?.equals(config) !== true) this.#picker = undefined;
    this.#config = config;
    this.#updating = true;
    for (const gone of this.#children.deleteMissing(endpoints.value)) gone.destroy();
    for (const endpoint of endpoints.value) {
      // A known endpoint keeps its connection, whatever else the resolver says this time.
      if (this.#children.has(endpoint)) continue;
      const child = new EndpointChild(endpoint, this.#helper, options, resolutionNote, (errorMessage) => {
        if (errorMessage !== null) this.#lastError = errorMessage;
        this.#publish();
      });
      this.#children.set(endpoint, child);
      child.connect();
    }
    this.#updating = false;
    // An empty list is accepted, too: were it not, calls would wait for another one instead of failing with the reason.
    if (this.#children.size === 0) {
      this.#fail(`no addresses resolved${resolutionNote === '' ? '' : ` (${resolutionNote})`}`);
    } else {
      this.#publish();
    }
    return true;
  }

  exitIdle(): void {
    for (const child of this.#children.values()) child.exitIdle();
  }

  resetBackoff(): void {
    // The leaves keep their backoff to themselves; grpc-js gives no way to reset it.
  }

  destroy(): void {
    for (const child of this.#children.values()) child.destroy();
    this.#children.clear();
  }

  getTypeName(): string {
    return this.#name;
  }

  /** Tells the channel what the children amount to together (as gRPC's round_robin: ready if one is). */
  #publish(): void {
    if (this.#updating || this.#config === undefined) return;
    // A child that fell idle connects again: every endpoint is to be there before a call needs it.
    this.#updating = true;
    this.exitIdle();
    this.#updating = false;

    const children = [...this.#children.values()];
    const ready = children.filter((child) => child.state === connectivityState.READY);
    if (ready.length > 0) {
      if (this.#picker?.serves(ready) === true) return;
      this.#picker = new ReadyPicker(this.#config.policy, ready, this.#random);
      this.#helper.updateState(connectivityState.READY, this.#picker, null);
      return;
    }
    this.#picker = undefined;
    if (children.some((child) => child.state === connectivityState.CONNECTING)) {
      this.#helper.updateState(connectivityState.CONNECTING, createQueuePicker(this), null);
    } else if (children.some((child) => child.state === connectivityState.TRANSIENT_FAILURE)) {
      this.#fail(`none of ${children.length} endpoints can be connected to; the last error: ${this.#lastError}`);
    } else {
      this.#helper.updateState(connectivityState.IDLE, createQueuePicker(this), null);
    }
  }

  #fail(reason: string): void {
    const message = `${this.#name}: ${reason}`;
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, createUnavailablePicker(message), message);
  }
}

/** An endpoint as the policy sees it. Its load is the child's, which outlives this picker. */
class ReadyEndpoint implements Balanced {
  readonly child: EndpointChild;
  readonly picker: SubchannelPicker;

  constructor(child: EndpointChild) {
    this.child = child;
    this.picker = child.picker;
  }

  get activeRequests(): number {
    return this.child.activeRequests;
  }

  set activeRequests(count: number) {
    this.child.activeRequests = count;
  }
}

/** The endpoints connected at one moment, under a policy. */
class ReadyPicker implements SubchannelPicker {
  readonly #endpoints: readonly ReadyEndpoint[];
  readonly #picker: Picker<ReadyEndpoint>;

  constructor(policy: LoadBalancerPolicy, children: readonly EndpointChild[], random: Random) {
    this.#endpoints = children.map((child) => new ReadyEndpoint(child));
    this.#picker = createPicker(policy, this.#endpoints, random);
  }

  /** Is this still the right picker for these children? Then the policy keeps its place in the round. */
  serves(children: readonly EndpointChild[]): boolean {
    return (
      children.length === this.#endpoints.length &&
      this.#endpoints.every(({ child, picker }, index) => child === children[index] && picker === child.picker)
    );
  }

  pick(args: PickArgs): PickResult {
    const endpoint = this.#picker.pick();
    if (endpoint === undefined) return createUnavailablePicker('no endpoint is connected').pick(args);
    return endpoint.child.pick(endpoint.picker, args);
  }
}
