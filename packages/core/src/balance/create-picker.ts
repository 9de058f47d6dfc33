import type { LoadBalancerPolicy } from '../model/policy.ts';
import { createLeastRequestPicker } from './least-request.ts';
import { createMaglevPicker } from './maglev.ts';
import { createPassthroughPicker } from './passthrough.ts';
import type { Balanced, Picker, Random } from './picker.ts';
import { createRandomPicker } from './random.ts';
import { createRingHashPicker } from './ring-hash.ts';
import { createRoundRobinPicker } from './round-robin.ts';

/**
 * The picker of a policy over a set of endpoints. Make a new one whenever the set changes; endpoint objects that stay
 * keep their `activeRequests`.
 *
 * @param previous the picker of the set before this one, which some policies can start from
 * @throws RangeError when a LEAST_REQUEST policy has a `choiceCount` below 2
 */
export function createPicker<T extends Balanced>(
  policy: LoadBalancerPolicy,
  endpoints: readonly T[],
  random: Random,
  previous?: Picker<Balanced>,
): Picker<T> {
  switch (policy.kind) {
    case 'RANDOM':
      return createRandomPicker(endpoints, random);
    case 'ROUND_ROBIN':
      return createRoundRobinPicker(endpoints, random);
    case 'LEAST_REQUEST':
      return createLeastRequestPicker(endpoints, policy.choiceCount, random);
    case 'RING_HASH':
      return createRingHashPicker(endpoints, policy.minimumRingSize, random, previous);
    case 'MAGLEV':
      return createMaglevPicker(endpoints, policy.tableSize, random, previous);
    case 'PASSTHROUGH':
      return createPassthroughPicker(endpoints, random, previous);
    default:
      return unknownPolicy(policy);
  }
}

function unknownPolicy(policy: never): never {
  throw new RangeError(`there is no load balancing policy ${JSON.stringify(policy)}`);
}
