import { encodeAddress } from '../message/records.ts';

/** A name that an address leads back to. */
export interface ReversePointer {
  readonly address: string;
  /** In lower case, without trailing dot. */
  readonly target: string;
  /** The virtual address of a Service, which comes before any endpoint that has the same. */
  readonly virtual: boolean;
}

/**
 * Which Services addresses lead back to (`in-addr.arpa`, RFC 1035 §3.5; `ip6.arpa`, RFC 3596 §2.5). There may be 100,000
 * addresses: of each there is its Service's key, and nothing more.
 */
export class ReverseZone {
  readonly #services = new Map<string, string | readonly string[]>();

  add(service: string, addresses: Iterable<string>): void {
    for (const address of addresses) {
      const key = keyOfAddress(address);
      const known = this.#services.get(key);
      this.#services.set(key, known === undefined ? service : [...listOf(known), service]);
    }
  }

  remove(service: string, addresses: Iterable<string>): void {
    for (const address of addresses) {
      const key = keyOfAddress(address);
      const left = listOf(this.#services.get(key)).filter((other) => other !== service);
      const [only] = left;
      if (only === undefined) this.#services.delete(key);
      else this.#services.set(key, left.length === 1 ? only : left);
    }
  }

  /** Those that have the address of a reverse name; none where the name is not one of an address. */
  lookup(name: string): readonly string[] {
    const key = addressKey(name);
    return key === undefined ? [] : listOf(this.#services.get(key));
  }
}

function listOf(known: string | readonly string[] | undefined): readonly string[] {
  return known === undefined ? [] : typeof known === 'string' ? [known] : known;
}

function keyOfAddress(address: string): string {
  return encodeAddress(address).toString('latin1');
}

/** The targets among pointers for a reverse name, each once. */
export function targetsOf(name: string, pointers: readonly ReversePointer[]): readonly string[] {
  const key = addressKey(name);
  const those = pointers.filter(({ address }) => keyOfAddress(address) === key);
  const virtual = those.filter((pointer) => pointer.virtual);
  return [...new Set((virtual.length > 0 ? virtual : those).map(({ target }) => target))];
}

/** How many labels of a reverse name are its zone's: `in-addr.arpa`, `ip6.arpa`. */
export const REVERSE_ZONE_LABELS = 2;

export function isReverseName(name: string): boolean {
  return name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa');
}

/** The address in octets; a shortened or malformed name has none. */
function addressKey(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const labels = name.slice(0, -'.in-addr.arpa'.length).split('.');
    const octets = labels.filter((label) => /^(0|[1-9]\d{0,2})$/.test(label) && Number(label) < 256);
    if (labels.length !== 4 || octets.length !== 4) return undefined;
    return Buffer.from(octets.toReversed().map(Number)).toString('latin1');
  }
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.');
  if (nibbles.length !== 32 || nibbles.some((nibble) => !/^[0-9a-f]$/.test(nibble))) return undefined;
  return Buffer.from(nibbles.toReversed().join(''), 'hex').toString('latin1');
}
