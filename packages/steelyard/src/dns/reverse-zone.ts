import { encodeAddress } from './records.ts';

/** A name that an address leads back to. */
export interface ReversePointer {
  readonly address: string;
  /** In lower case, without trailing dot. */
  readonly target: string;
  /** The virtual address of a Service, which comes before any endpoint that has the same. */
  readonly virtual: boolean;
}

/** Which names addresses lead back to (`in-addr.arpa`, RFC 1035 §3.5; `ip6.arpa`, RFC 3596 §2.5). */
export class ReverseZone {
  readonly #pointers = new Map<string, readonly ReversePointer[]>();

  add(pointers: Iterable<ReversePointer>): void {
    for (const pointer of pointers) {
      const key = encodeAddress(pointer.address).toString('hex');
      this.#pointers.set(key, [...(this.#pointers.get(key) ?? []), pointer]);
    }
  }

  remove(pointers: Iterable<ReversePointer>): void {
    for (const pointer of pointers) {
      const key = encodeAddress(pointer.address).toString('hex');
      const left = (this.#pointers.get(key) ?? []).filter((other) => other !== pointer);
      if (left.length > 0) this.#pointers.set(key, left);
      else this.#pointers.delete(key);
    }
  }

  /** The targets of a reverse name; empty where the address is not known, or the name is not one of an address. */
  lookup(name: string): readonly string[] {
    const key = addressKey(name);
    const pointers = (key === undefined ? undefined : this.#pointers.get(key)) ?? [];
    const virtual = pointers.filter((pointer) => pointer.virtual);
    const targets = (virtual.length > 0 ? virtual : pointers).map(({ target }) => target);
    return [...new Set(targets)];
  }
}

/** How many labels of a reverse name are its zone's: `in-addr.arpa`, `ip6.arpa`. */
export const REVERSE_ZONE_LABELS = 2;

export function isReverseName(name: string): boolean {
  return name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa');
}

/** The address in hexadecimal octets; a shortened or malformed name has none. */
function addressKey(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const labels = name.slice(0, -'.in-addr.arpa'.length).split('.');
    const octets = labels.filter((label) => /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) < 256);
    if (labels.length !== 4 || octets.length !== 4) return undefined;
    return Buffer.from(octets.toReversed().map(Number)).toString('hex');
  }
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.');
  if (nibbles.length !== 32 || nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  return nibbles.toReversed().join('');
}
