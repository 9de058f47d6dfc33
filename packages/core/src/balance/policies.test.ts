import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createPicker } from './create-picker.ts';
import { createLeastRequestPicker } from './least-request.ts';
import type { Balanced, Random } from './picker.ts';
import { createSeededRandom } from './seeded-random.ts';

interface Pod extends Balanced {
  readonly name: string;
}

const pod = (name: string, activeRequests = 0): Pod => ({ name, activeRequests });

/** Plays the given numbers, then fails: a test says exactly how many draws a pick may take. */
function scripted(...numbers: number[]): Random {
  return () => {
    const next = numbers.shift();
    assert.notEqual(next, undefined, 'one draw more than the script has');
    return next ?? 0;
  };
}

suite('RANDOM', () => {
  test('one draw a pick, spread over the whole set', () => {
    const picker = createPicker({ kind: 'RANDOM' }, [pod('a'), pod('b'), pod('c')], scripted(0, 0.34, 0.67, 0.999999));
    assert.deepEqual(
      [picker.pick()?.name, picker.pick()?.name, picker.pick()?.name, picker.pick()?.name],
      ['a', 'b', 'c', 'c'],
    );
  });
});

suite('ROUND_ROBIN', () => {
  test('starts where the one draw says and wraps around', () => {
    const picker = createPicker({ kind: 'ROUND_ROBIN' }, [pod('a'), pod('b'), pod('c')], scripted(0.5));
    assert.deepEqual(
      Array.from({ length: 7 }, () => picker.pick()?.name),
      ['b', 'c', 'a', 'b', 'c', 'a', 'b'],
    );
  });
});

suite('LEAST_REQUEST', () => {
  const cases: readonly { name: string; loads: number[]; choiceCount: number; draws: number[]; expected: string }[] = [
    { name: 'the less busy of the two drawn', loads: [5, 1, 0], choiceCount: 2, draws: [0, 0], expected: 'b' },
    { name: 'a tie goes to the first drawn', loads: [1, 1, 0], choiceCount: 2, draws: [0.34, 0], expected: 'b' },
    { name: 'the same draw twice means two endpoints', loads: [9, 0, 9], choiceCount: 2, draws: [0, 0], expected: 'b' },
    { name: 'three choices look at three', loads: [3, 2, 1, 0], choiceCount: 3, draws: [0, 0, 0], expected: 'c' },
    { name: 'more choices than endpoints look at all', loads: [3, 1], choiceCount: 9, draws: [0, 0], expected: 'b' },
  ];
  for (const { name, loads, choiceCount, draws, expected } of cases) {
    test(name, () => {
      const pods = loads.map((load, index) => pod('abcd'.charAt(index), load));
      const picker = createLeastRequestPicker(pods, choiceCount, scripted(...draws));
      assert.equal(picker.pick()?.name, expected);
    });
  }

  test('sees the load as it is at each pick', () => {
    const [a, b] = [pod('a'), pod('b')];
    const picker = createLeastRequestPicker([a, b], 2, createSeededRandom(5));
    a.activeRequests = 1;
    assert.equal(picker.pick(), b);
    b.activeRequests = 2;
    assert.equal(picker.pick(), a);
  });

  test('of two endpoints, the busier one is never taken', () => {
    const [busy, idle] = [pod('busy', 1), pod('idle')];
    const picker = createLeastRequestPicker([busy, idle], 2, createSeededRandom(6));
    for (let pick = 0; pick < 200; pick++) assert.equal(picker.pick(), idle);
  });

  test('a stuck endpoint among ten keeps its share of ties only', () => {
    // One endpoint never finishes its calls: two choices place on it only while its load is the smaller.
    const pods = Array.from({ length: 10 }, (_, index) => pod(String(index)));
    const picker = createLeastRequestPicker(pods, 2, createSeededRandom(8));
    let onStuck = 0;
    for (let call = 0; call < 1000; call++) {
      const picked = picker.pick();
      if (picked !== undefined && picked === pods[0]) {
        onStuck++;
        picked.activeRequests++;
      }
    }
    assert.equal(onStuck, 1);
  });

  for (const choiceCount of [1, 0, -2, 2.5, Number.NaN]) {
    test(`refuses ${choiceCount} choices`, () => {
      assert.throws(() => createLeastRequestPicker([], choiceCount, Math.random), {
        name: 'RangeError',
        message: `choiceCount of LEAST_REQUEST is ${choiceCount}; it must be a whole number of at least 2`,
      });
    });
  }
});
