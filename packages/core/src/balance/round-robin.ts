import type { Balanced, Picker, Random } from './picker.ts';

/**
 * ROUND_ROBIN: each endpoint in turn. The first turn is drawn at random, so that many callers that learn of a new set
 * at the same moment do not all begin with the same endpoint (gRFC A62 asks the same of pick_first's order).
 */
export function createRoundRobinPicker<T extends Balanced>(endpoints: readonly T[], random: Random): Picker<T> {
  const count = endpoints.length;
  let next = Math.floor(random() * count);
  return {
    pick() {
      const endpoint = endpoints[next];
      next = next + 1 < count ? next + 1 : 0;
      return endpoint;
    },
  };
}
