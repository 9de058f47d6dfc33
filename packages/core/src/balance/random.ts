import type { Balanced, Picker, Random } from './picker.ts';

/** RANDOM: every endpoint is equally likely at every pick, whatever it was before and whatever it is busy with. */
export function createRandomPicker<T extends Balanced>(endpoints: readonly T[], random: Random): Picker<T> {
  const count = endpoints.length;
  return {
    // An empty set has no index 0 either, so it needs no branch of its own.
    pick: () => endpoints[Math.floor(random() * count)],
  };
}
