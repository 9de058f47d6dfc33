import { isIPv6 } from 'node:net';
import { encodeAddress } from '../message/records.ts';

/** What happens to an answer: it goes as it is; a short one goes, which makes an honest asker come by TCP; nothing goes. */
export type RateVerdict = 'send' | 'truncate' | 'drop';

/** Every second answer too many is a short one, as BIND's `slip 2`: who is spoofed gets little, who asked still gets through. */
const SLIP = 2;
/** More networks than these share. A flood of made-up senders must not make a table grow. */
const BUCKETS = 1 << 16;

/**
 * Limits the answers by UDP to one network (a /24, or a /56 of IPv6): the sender of a datagram may be made up, and the
 * answer, which is longer, would hit whoever really has that address (BIND's response rate limiting; RFC 5358).
 */
export class ResponseRate {
  readonly #perSecond: number;
  readonly #seed: number;
  /** Answers that a bucket has left, as of the time beside it. */
  readonly #left = new Float64Array(BUCKETS);
  readonly #atMs = new Float64Array(BUCKETS).fill(Number.NEGATIVE_INFINITY);
  readonly #slipped = new Uint8Array(BUCKETS);
  #limited = 0;

  /** `random` makes it impossible to choose addresses that share the bucket of others. */
  constructor(perSecond: number, random: () => number) {
    this.#perSecond = perSecond;
    this.#seed = Math.floor(random() * 0x1_0000_0000);
  }

  /** Answers that were cut or left out. */
  get limited(): number {
    return this.#limited;
  }

  judge(address: string, nowMs: number): RateVerdict {
    const bucket = networkHash(address, this.#seed) & (BUCKETS - 1);
    const seconds = (nowMs - (this.#atMs[bucket] ?? 0)) / 1000;
    const left = Math.min(this.#perSecond, (this.#left[bucket] ?? 0) + Math.min(seconds, 1) * this.#perSecond);
    this.#atMs[bucket] = nowMs;
    if (left >= 1) {
      this.#left[bucket] = left - 1;
      return 'send';
    }
    this.#left[bucket] = left;
    this.#limited++;
    const slipped = ((this.#slipped[bucket] ?? 0) + 1) % SLIP;
    this.#slipped[bucket] = slipped;
    return slipped === 0 ? 'truncate' : 'drop';
  }
}

/** Of the first three octets, or the first seven of IPv6. */
function networkHash(address: string, seed: number): number {
  // A socket of both families sees IPv4 as ::ffff:10.0.0.1.
  const mapped = address.startsWith('::ffff:') && address.includes('.');
  const plain = mapped ? address.slice('::ffff:'.length) : address;
  let hash = seed;
  if (!isIPv6(plain)) {
    const end = plain.lastIndexOf('.');
    for (let at = 0; at < end; at++) hash = Math.imul(hash ^ plain.charCodeAt(at), 0x0100_0193);
  } else {
    const octets = encodeAddress(plain.split('%')[0] ?? '');
    for (const octet of octets.subarray(0, 7)) hash = Math.imul(hash ^ octet, 0x0100_0193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}
