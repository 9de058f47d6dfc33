import type { Balanced, Picker, Random } from './picker.ts';

/**
 * LEAST_REQUEST: draws `choiceCount` endpoints at random and takes the one with the fewest calls under way; on a tie,
 * the one drawn first. (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.)
 *
 * The draws are of distinct endpoints. Envoy (`LeastRequestLoadBalancer::unweightedHostPick`) and gRFC A48 draw with
 * replacement, so with n endpoints and two choices 1/n of their picks compare an endpoint with itself: over two pods
 * every second call is placed blindly. Under equal load both ways are uniform; distinct draws only remove the blind
 * picks. With `choiceCount` ≥ n the choice is the true minimum.
 *
 * What is compared is the load with the new call, times the endpoint's `handicap`.
 *
 * @param choiceCount whole number, at least 2 (gRFC A48); more than there are endpoints means all of them
 * @throws RangeError when `choiceCount` is not such a number
 */
export function createLeastRequestPicker<T extends Balanced>(
  endpoints: readonly T[],
  choiceCount: number,
  random: Random,
): Picker<T> {
  if (!Number.isInteger(choiceCount) || choiceCount < 2) {
    throw new RangeError(`choiceCount of LEAST_REQUEST is ${choiceCount}; it must be a whole number of at least 2`);
  }
  // Partial Fisher–Yates over an order of our own: distinct draws without allocating. The order need not be reset,
  // because the first draws from any order are uniform.
  const order = endpoints.slice();
  const draws = Math.min(choiceCount, order.length);
  return {
    pick() {
      let best: T | undefined;
      let least = Infinity;
      for (let drawn = 0; drawn < draws; drawn++) {
        const at = drawn + Math.floor(random() * (order.length - drawn));
        const candidate = order[at];
        const displaced = order[drawn];
        if (candidate === undefined || displaced === undefined) break;
        order[at] = displaced;
        order[drawn] = candidate;
        const load = (candidate.activeRequests + 1) * (candidate.handicap ?? 1);
        if (load >= least) continue;
        best = candidate;
        least = load;
      }
      return best;
    },
  };
}
