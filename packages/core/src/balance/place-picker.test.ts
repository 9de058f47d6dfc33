import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { podsOf } from './balancing.test-bed.ts';
import type { Balanced, Picker } from './picker.ts';
import { createPlacePicker, type PlaceShare } from './place-picker.ts';
import { createRandomPicker } from './random.ts';

/** The pickers of places, and what each of them started from. */
class Pickers {
  readonly #names = new Map<Picker<Balanced>, string>();
  readonly #random = (): number => 0;
  started: string[] = [];

  /** @param places by name, each with one endpoint */
  next(round: number, places: string, previous?: Picker<Balanced>): Picker<Balanced> {
    this.started = [];
    const shares = places.split('').map((place): PlaceShare<Balanced> => ({ place, members: podsOf(1), load: 1 }));
    const queue = places.split('');
    const inner = (members: readonly Balanced[], before: Picker<Balanced> | undefined): Picker<Balanced> => {
      const picker = createRandomPicker(members, this.#random);
      const name = `${queue.shift() ?? ''}${round}`;
      this.#names.set(picker, name);
      this.started.push(`${name}<${before === undefined ? '' : (this.#names.get(before) ?? 'a stranger')}`);
      return picker;
    };
    return createPlacePicker(shares, this.#random, inner, previous);
  }
}

suite("a place's picker starts from the one that the place had", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['first ones start from nothing', ['ab'], ['a0<', 'b0<']],
    ['each from its own', ['abc', 'abc'], ['a1<a0', 'b1<b0', 'c1<c0']],
    ['in another order, too', ['abc', 'cab'], ['c1<c0', 'a1<a0', 'b1<b0']],
    ['a place that is new from nothing', ['ab', 'axb'], ['a1<a0', 'x1<', 'b1<b0']],
    ['of two one stays', ['ab', 'b'], ['b1<b0']],
    ['the only one gets company', ['a', 'ab'], ['a1<a0', 'b1<']],
    ['one alone', ['a', 'a'], ['a1<a0']],
    ['what was gone for a set starts anew', ['ab', 'a', 'ab'], ['a2<a1', 'b2<']],
    ['nobody was there', ['a', '', 'a'], ['a2<']],
  ];
  for (const [name, rounds, started] of cases) {
    test(name, () => {
      const pickers = new Pickers();
      let picker: Picker<Balanced> | undefined;
      for (const [round, places] of rounds.entries()) picker = pickers.next(round, places, picker);
      assert.deepEqual(pickers.started, started);
    });
  }

  test('a picker of anything else is no start', () => {
    const pickers = new Pickers();
    pickers.next(
      0,
      'ab',
      createRandomPicker(podsOf(1), () => 0),
    );
    assert.deepEqual(pickers.started, ['a0<', 'b0<']);
  });
});
