import * as fc from 'fast-check';

const VARIABLE = 'STEELYARD_PROPERTY_SEED';

// The same cases in every run, so that a change is judged by what it changed. Others are found by asking for them.
const seed = parseSeed(process.env[VARIABLE] ?? '1');
fc.configureGlobal(seed === undefined ? {} : { seed });

/** fast-check with this repository's seed: `STEELYARD_PROPERTY_SEED` says another, or `random`. A failing case names its own. */
export { fc };

function parseSeed(text: string): number | undefined {
  if (text === 'random') return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || Math.abs(value) >= 2 ** 31) {
    throw new RangeError(`${VARIABLE}=${text}: must be a whole number of 32 bits, or "random"`);
  }
  return value;
}
