/**
 * How many times longer than promised something may take on this machine: 1, or what `STEELYARD_PATIENCE` says, for machines
 * that others use at the same time. Only times are stretched by it, never amounts.
 */
export const PATIENCE: number = readPatience(process.env['STEELYARD_PATIENCE']);

function readPatience(text = '1'): number {
  const patience = Number(text);
  if (!(patience >= 1 && patience <= 100)) throw new RangeError(`STEELYARD_PATIENCE=${text}: must be from 1 to 100`);
  return patience;
}
