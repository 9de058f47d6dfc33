import { hashText, mixHash } from './hash.ts';
import type { Balanced, Picker, Random } from './picker.ts';
import { keyOf } from './ring-hash.ts';

/**
 * MAGLEV: a table in which every endpoint has almost equally many places, filled so that an endpoint that goes moves
 * few places but its own (Eisenbud et al., "Maglev", NSDI 2016, §3.4). A pick is one look into the table.
 *
 * @param tableSize a prime, larger than the number of endpoints by much: the shares differ by endpoints / tableSize
 * @param hash of `pick`: where the call is; a call without one goes anywhere
 */
export function createMaglevPicker<T extends Balanced>(
  endpoints: readonly T[],
  tableSize: number,
  random: Random,
): Picker<T> {
  const table = buildTable(endpoints, tableSize);
  return {
    pick(hash) {
      // No endpoint: the table is empty, and so is what is found in it.
      return endpoints[table[(hash ?? Math.floor(random() * 2 ** 32)) % tableSize] ?? endpoints.length];
    },
  };
}

const FREE = 0xff_ff_ff_ff;

function buildTable(endpoints: readonly Balanced[], tableSize: number): Uint32Array {
  const count = endpoints.length;
  if (count === 0) return new Uint32Array();
  const table = new Uint32Array(tableSize).fill(FREE);
  // In an order that does not depend on who else is there: early endpoints have a slight advantage.
  const keys = endpoints.map((endpoint, index) => ({ index, own: hashText(keyOf(endpoint, index)) }));
  keys.sort((a, b) => a.own - b.own || a.index - b.index);
  const next = new Float64Array(count);
  const skip = new Float64Array(count);
  for (const [at, { own }] of keys.entries()) {
    next[at] = mixHash(own ^ 0x5bd1e995) % tableSize;
    skip[at] = (mixHash(own ^ 0x1b873593) % (tableSize - 1)) + 1;
  }
  for (let filled = 0; ;) {
    for (const [at, { index }] of keys.entries()) {
      let place = next[at] ?? 0;
      const step = skip[at] ?? 1;
      while (table[place] !== FREE) place = (place + step) % tableSize;
      table[place] = index;
      next[at] = (place + step) % tableSize;
      if (++filled === tableSize) return table;
    }
  }
}
