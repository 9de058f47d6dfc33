import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

/**
 * Octets that this process has in use: its JavaScript heap and the memory behind its buffers, once what nobody refers to is
 * collected. What is resident says something else: garbage that nobody has had a reason to collect yet.
 */
export function memoryInUse(): number {
  if (typeof collectGarbage !== 'function') throw new Error('this version of Node does not let tests collect garbage');
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** By how much the memory in use has grown since it is watched. */
export class MemoryWatch {
  readonly #before = memoryInUse();
  #peak = this.#before;

  /** Octets, the most that was found so far; looks once more. Collecting garbage takes milliseconds: not for every call of many. */
  grown(): number {
    this.#peak = Math.max(this.#peak, memoryInUse());
    return this.#peak - this.#before;
  }
}
