import { mixHash } from './hash.ts';
import { type HashPoints, keysOf, placePoints } from './hash-points.ts';
import type { Balanced, Picker, Random } from './picker.ts';

interface Layout {
  /** The endpoints in the order of their hashes. */
  readonly order: HashPoints;
  /** By place the index of its endpoint. Empty: there is none. */
  readonly table: Int32Array;
}

/** What pickers were made of, so that the picker of the next set can start from there. */
const layouts = new WeakMap<object, Layout>();

/**
 * MAGLEV: a table in which every endpoint has almost equally many places, filled so that an endpoint that goes moves
 * few places but its own (Eisenbud et al., "Maglev", NSDI 2016, §3.4). A pick is one look into the table.
 *
 * A new set costs time in proportion to the table, however little has changed: one endpoint more or less moves places of
 * others here and there, and to find those, each place would have to know who has passed it by: ln(tableSize) entries for
 * each place, many times what the table takes.
 *
 * @param tableSize a prime, larger than the number of endpoints by much: the shares differ by endpoints / tableSize
 * @param hash of `pick`: where the call is; a call without one goes anywhere
 * @param previous the picker of the set before this one: where little has changed, only what is new is hashed, and where
 *   nothing has, its table is taken over
 */
export function createMaglevPicker<T extends Balanced>(
  endpoints: readonly T[],
  tableSize: number,
  random: Random,
  previous?: Picker<Balanced>,
): Picker<T> {
  // In an order that does not depend on who else is there: early endpoints have a slight advantage.
  const before = previous && layouts.get(previous);
  const order = placePoints(keysOf(endpoints), 1, (own) => own, before?.order);
  const isSame = order === before?.order && before.table.length === tableSize;
  const table = isSame ? before.table : fillTable(order, tableSize);
  const picker: Picker<T> = {
    pick(hash) {
      // No endpoint: the table is empty, and so is what is found in it.
      return endpoints[table[(hash ?? Math.floor(random() * 2 ** 32)) % tableSize] ?? endpoints.length];
    },
  };
  layouts.set(picker, { order, table });
  return picker;
}

const FREE = -1;

/** In turns, each takes the first place of its own row that is free yet, until none is. */
function fillTable({ hashes, owners }: HashPoints, tableSize: number): Int32Array {
  if (owners.length === 0) return new Int32Array();
  const table = new Int32Array(tableSize).fill(FREE);
  const next = hashes.map((own) => mixHash(own ^ 0x5bd1e995) % tableSize);
  const skip = hashes.map((own) => (mixHash(own ^ 0x1b873593) % (tableSize - 1)) + 1);
  let turn = 0;
  for (let left = tableSize; left > 0; left--) {
    const step = skip[turn] ?? 1;
    let place = next[turn] ?? 0;
    while (table[place] !== FREE) {
      place += step;
      if (place >= tableSize) place -= tableSize;
    }
    table[place] = owners[turn] ?? 0;
    place += step;
    next[turn] = place < tableSize ? place : place - tableSize;
    if (++turn === owners.length) turn = 0;
  }
  return table;
}
