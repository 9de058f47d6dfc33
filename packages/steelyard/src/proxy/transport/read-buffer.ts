import type { OnReadOpts } from 'node:net';

/** As much as one read of a socket brings at the most. */
const LENGTH = 65_536;

/**
 * The memory that sockets read into: one piece for all of a process, since one read is worked off before the next begins.
 * It stays in the cache of the CPU, and no read costs an allocation. What is read is there only until the callback returns.
 */
export class ReadBuffer {
  readonly #buffer = Buffer.allocUnsafeSlow(LENGTH);

  /** For a socket's `onread`. */
  deliverTo(reader: (chunk: Uint8Array) => void): OnReadOpts {
    const buffer = this.#buffer;
    return {
      buffer,
      callback(length) {
        reader(buffer.subarray(0, length));
        return true;
      },
    };
  }
}
