/**
 * Finds the entries of an encoder's table again: the numbers of insertions, each in one of two places that a hash names.
 * It only says where to look, the entry itself says whether it is the one. What more than two share a place for may be
 * forgotten, which costs a few octets on the wire; a Map, which forgets nothing, costs more on every call.
 */
export class EntryIndex {
  /** An array, as small typed ones are large: their octets are not with them. Below 1: nothing. */
  readonly #places: number[];
  readonly #mask: number;

  /** @param places a power of two. */
  constructor(places: number) {
    this.#places = Array.from({ length: places }, () => 0);
    this.#mask = places - 1;
  }

  first(hash: number): number {
    return this.#places[hash & this.#mask] as number;
  }

  second(hash: number): number {
    return this.#places[(hash & this.#mask) ^ 1] as number;
  }

  /** The older of the two gives way: it is evicted already, or will be sooner. */
  add(hash: number, number: number): void {
    const place = hash & this.#mask;
    const other = place ^ 1;
    const older = (this.#places[place] as number) <= (this.#places[other] as number) ? place : other;
    this.#places[older] = number;
  }
}
