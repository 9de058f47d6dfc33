import type { Random } from './picker.ts';

/**
 * A reproducible generator: the same seed gives the same numbers on every machine. Not for secrets.
 *
 * sfc32 of Chris Doty-Humphrey's PractRand (`RNGs/sfc.cpp`), seeded as there from 64 bits: a = 0, b and c the two
 * halves, a counter from 1, the first 12 outputs dropped. Values are multiples of 2^-32.
 *
 * @param seed a safe integer
 * @throws RangeError when `seed` is not a safe integer
 */
export function createSeededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed ${seed} must be a whole number within ±(2^53 - 1)`);
  let a = 0;
  let b = seed | 0;
  let c = Math.floor(seed / 2 ** 32) | 0;
  let counter = 1;

  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };

  for (let dropped = 0; dropped < 12; dropped++) next();
  return next;
}
