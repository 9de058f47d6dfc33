import type { RecordBlock } from '../message/records.ts';
import { encodeName } from '../message/records.ts';
import type { Validity } from './validity.ts';

/** What is known about one name. A name that exists may well have no record of the type asked for: NODATA. */
export type NameRecords =
  | {
      readonly kind: 'addresses';
      readonly a: RecordBlock;
      readonly aaaa: RecordBlock;
      /** Made when first asked for: most names never are. */
      readonly srv?: () => readonly ServiceRecord[];
      /** Of the Service. */
      readonly validity: Validity;
    }
  /** `target`: a name in lower case without trailing dot. */
  | { readonly kind: 'alias'; readonly target: string };

/** An SRV record (RFC 2782). */
export interface ServiceRecord {
  /** In lower case, without trailing dot. */
  readonly target: string;
  readonly data: Buffer;
}

/** A place that a name's SRV records lead to. */
export interface ServicePlace {
  readonly target: string;
  readonly port: number;
}

/** Priority, weight and port before the target's name, which must not be compressed (RFC 2782). */
export const SRV_FIXED_LENGTH = 6;

/**
 * SRV records of places, each once. Weights are even: what is left of 100 for each, at least 1. CoreDNS divides before it
 * drops what is double, as for the two families of one name; so do we, for the weights to be the same.
 */
export function encodeServices(places: readonly ServicePlace[]): readonly ServiceRecord[] {
  const weight = Math.max(1, Math.floor(100 / places.length));
  const seen = new Set<string>();
  return places.flatMap(({ target, port }) => {
    const key = `${target} ${port}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const fixed = Buffer.alloc(SRV_FIXED_LENGTH);
    fixed.writeUInt16BE(weight, 2);
    fixed.writeUInt16BE(port, 4);
    return [{ target, data: Buffer.concat([fixed, encodeName(target)]) }];
  });
}

/** Calls `make` once, when first asked. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
