import { protocolError } from './connection-core.ts';
import { FrameType } from './frame.ts';

/** Where a frame header has its type. */
const TYPE_AT = 3;
/** `HTTP`, as servers of HTTP/1.1 begin their answer to our preface. */
const HTTP = 0x48545450;

/**
 * What a server says first has to be a SETTINGS frame (RFC 9113 §3.4). Told from its first four octets, as in anything else the frame
 * header makes no sense, its length least of all.
 */
export class Greeting {
  #seen = 0;
  #word = 0;

  /** True when all has come that tells. Throws a {@link ConnectionError} if it is no HTTP/2. */
  read(chunk: Uint8Array): boolean {
    for (let i = 0; i < chunk.length && this.#seen <= TYPE_AT; i++) {
      this.#word = (this.#word << 8) | (chunk[i] as number);
      this.#seen++;
    }
    if (this.#seen <= TYPE_AT) return false;
    if (this.#word === HTTP) throw protocolError('the pod does not speak HTTP/2 (it answered in HTTP/1.1)');
    if ((this.#word & 0xff) !== FrameType.SETTINGS) throw protocolError('the first frame is no SETTINGS');
    return true;
  }
}
