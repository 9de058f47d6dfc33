import type { Picker, Random } from '@steelyard/core/balance';
import { hashText } from '@steelyard/core/balance';
import type { EndpointChild } from './endpoint-child.ts';
import type { PickArgs, PickResult, SubchannelPicker } from './grpc-api.ts';
import { createUnavailablePicker } from './grpc-api.ts';
import type { BalancerConfig } from './policy-config.ts';
import { createPolicyPicker } from './policy-picker.ts';

/** The endpoints connected at one moment, under a policy. */
export class ReadyPicker implements SubchannelPicker {
  readonly #endpoints: readonly EndpointChild[];
  readonly #picker: Picker<EndpointChild>;
  /** The metadata key that is hashed, if the policy hashes. */
  readonly #header: string | undefined;

  constructor(config: BalancerConfig, endpoints: readonly EndpointChild[], random: Random, now: () => number) {
    this.#endpoints = endpoints;
    this.#picker = createPolicyPicker(config, endpoints, random, now);
    this.#header = 'key' in config.policy && config.policy.key.kind === 'header' ? config.policy.key.name : undefined;
  }

  /** Is this still the right picker for these children? Then the policy keeps its place in the round. */
  serves(children: readonly EndpointChild[]): boolean {
    return (
      children.length === this.#endpoints.length && this.#endpoints.every((child, index) => child === children[index])
    );
  }

  pick(args: PickArgs): PickResult {
    const endpoint = this.#picker.pick(this.#header === undefined ? undefined : hashOf(args, this.#header));
    if (endpoint === undefined) return createUnavailablePicker('no endpoint is connected').pick(args);
    return endpoint.pick(args);
  }
}

/** Values of one key are joined by a comma, as headers are (gRFC A42); a call without the key goes anywhere. */
function hashOf({ metadata }: PickArgs, header: string): number | undefined {
  const values = metadata.get(header);
  return values.length === 0 ? undefined : hashText(values.join(','));
}
