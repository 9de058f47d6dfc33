import type { Picker, Random } from '@steelyard/core/balance';
import { hashText } from '@steelyard/core/balance';
import type { EndpointChild } from './endpoint-child.ts';
import type { PickArgs, PickResult, SubchannelPicker } from '../grpc-api.ts';
import { createUnavailablePicker } from '../grpc-api.ts';
import type { BalancerConfig } from './policy-config.ts';
import { createPolicyPicker } from './policy-picker.ts';

/** The endpoints connected at one moment, under a policy. */
export class ReadyPicker implements SubchannelPicker {
  readonly #endpoints: readonly EndpointChild[];
  readonly #picker: Picker<EndpointChild>;
  readonly #hash: CallHash;

  /** @param previous the one before it */
  constructor(
    config: BalancerConfig,
    endpoints: readonly EndpointChild[],
    random: Random,
    now: () => number,
    target: string,
    previous: ReadyPicker | undefined,
  ) {
    this.#endpoints = endpoints;
    const before = previous === undefined ? undefined : previous.#picker;
    this.#picker = createPolicyPicker(config, endpoints, random, now, target, before);
    this.#hash = callHash(config);
  }

  /** Is this still the right picker for these children? Then the policy keeps its place in the round. */
  serves(children: readonly EndpointChild[]): boolean {
    return (
      children.length === this.#endpoints.length && this.#endpoints.every((child, index) => child === children[index])
    );
  }

  pick(args: PickArgs): PickResult {
    const endpoint = this.#picker.pick(this.#hash(args));
    if (endpoint === undefined) return createUnavailablePicker('no endpoint is connected').pick(args);
    return endpoint.pick(args);
  }
}

/** What of a call decides where it goes; `undefined` where the policy does not hash, or the call has no key. */
export type CallHash = (args: PickArgs) => number | undefined;

export function callHash({ policy }: BalancerConfig): CallHash {
  if (!('key' in policy) || policy.key.kind !== 'header') return () => undefined;
  const { name } = policy.key;
  return (args) => hashOf(args, name);
}

/** Values of one key are joined by a comma, as headers are (gRFC A42); a call without the key goes anywhere. */
function hashOf({ metadata }: PickArgs, header: string): number | undefined {
  const values = metadata.get(header);
  return values.length === 0 ? undefined : hashText(values.join(','));
}
