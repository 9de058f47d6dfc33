import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SLOW_START, assertShares, countPicks, podsOf } from './balancing.test-bed.ts';
import { mixHash } from './hash.ts';
import { createMaglevPicker } from './maglev.ts';
import { createRandomPicker } from './random.ts';
import { createRoundRobinPicker } from './round-robin.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createSlowStartPicker, slowStartShare } from './slow-start.ts';
import { chooseSubset } from './subsetting.ts';
import { createZoneAwarePicker, zoneShares } from './zone-aware.ts';

suite('random subsetting', () => {
  const items = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}:8000`);
  const same = (item: string): string => item;

  test('all, where there are no more', () => assert.equal(chooseSubset(items, 1000, 1, same), items));

  test('one that goes changes a subset by itself only', () => {
    const before = chooseSubset(items, 20, 12345, same);
    assert.equal(before.length, 20);
    const [gone = ''] = before;
    const after = chooseSubset(
      items.filter((item) => item !== gone),
      20,
      12345,
      same,
    );
    assert.equal(after.filter((item) => before.includes(item)).length, 19);
    assert.deepEqual(chooseSubset(items.toReversed(), 20, 12345, same).toSorted(), before.toSorted());
  });

  test('many callers spread evenly', () => {
    const random = createSeededRandom(9);
    const counts = new Map(items.slice(0, 50).map((item) => [item, 0]));
    for (let caller = 0; caller < 2000; caller++) {
      for (const item of chooseSubset([...counts.keys()], 5, Math.floor(random() * 2 ** 32), same)) {
        counts.set(item, (counts.get(item) ?? 0) + 1);
      }
    }
    assertShares(
      [...counts.values()],
      items.slice(0, 50).map(() => 1),
    );
  });
});

suite('slow start', () => {
  const shares: readonly [ageMs: number, aggression: number, share: number][] = [
    [0, 1, 0.1],
    [-5, 1, 0.1],
    [500, 1, 0.1],
    [5000, 1, 0.5],
    [2500, 2, 0.5],
    [10_000, 1, 1],
    [99_000, 1, 1],
  ];
  for (const [ageMs, aggression, share] of shares) {
    test(`${ageMs} ms old, aggression ${aggression}`, () => {
      assert.equal(slowStartShare(ageMs, { ...SLOW_START, aggression }), share);
    });
  }

  test('a newcomer gets its part of a full share under any policy', () => {
    for (const create of [createRandomPicker, createRoundRobinPicker]) {
      const pods = podsOf(3);
      const random = createSeededRandom(5);
      for (const pod of pods) pod.startedAtMs = pod.index === 0 ? 16_000 : 0;
      const picker = createSlowStartPicker(create(pods, random), pods, SLOW_START, random, () => 20_000);
      assertShares(countPicks(picker, 3, 10_000), [0.4, 1, 1]);
    }
  });
});

suite('zones', () => {
  const cases: readonly { name: string; counts: [string, number][]; shares: [string, number][] | undefined }[] = [
    {
      name: 'enough at home',
      counts: [
        ['a', 2],
        ['b', 2],
      ],
      shares: [['a', 1]],
    },
    {
      name: 'more than enough',
      counts: [
        ['a', 5],
        ['b', 1],
      ],
      shares: [['a', 1]],
    },
    {
      name: 'half of what is needed',
      counts: [
        ['a', 1],
        ['b', 3],
      ],
      shares: [
        ['a', 0.5],
        ['b', 0.5],
      ],
    },
    {
      name: 'the rest goes where there is room',
      counts: [
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ],
      shares: [
        ['a', 0.5],
        ['c', 0.5],
      ],
    },
    {
      name: 'none at home',
      counts: [
        ['b', 3],
        ['c', 3],
      ],
      shares: undefined,
    },
    { name: 'one zone', counts: [['a', 3]], shares: undefined },
  ];
  for (const { name, counts, shares } of cases) {
    test(name, () => {
      const found = zoneShares(new Map(counts), 'a');
      assert.deepEqual(found && [...found], shares);
    });
  }

  test('callers of all zones together give every endpoint its fair share', () => {
    const pods = podsOf(6, (index) => 'aabbbb'.charAt(index));
    const random = createSeededRandom(3);
    const total = pods.map(() => 0);
    for (const zone of ['a', 'b']) {
      const picker = createZoneAwarePicker(pods, zone, (members) => createRandomPicker(members, random), random);
      for (const [index, count] of countPicks(picker, 6, 6000).entries()) total[index] = (total[index] ?? 0) + count;
    }
    assertShares(
      total,
      pods.map(() => 1),
    );
  });

  test('a key finds its zone and its endpoint again, where some calls have to leave home', () => {
    const pods = podsOf(4, (index) => 'abbb'.charAt(index)).map((pod) => ({ ...pod, key: `10.0.0.${pod.index}:80` }));
    const random = createSeededRandom(4);
    const picker = createZoneAwarePicker(pods, 'a', (members) => createMaglevPicker(members, 1009, random), random);
    const hashes = Array.from({ length: 10_000 }, (_, index) => mixHash(index));
    const homes = hashes.map((hash) => picker.pick(hash));
    assert.ok(hashes.every((hash, at) => picker.pick(hash) === homes[at]));
    // Home has a quarter of the endpoints and half of the callers: half of their calls can stay.
    const local = homes.filter((home) => home?.zone === 'a').length;
    assert.ok(Math.abs(local / hashes.length - 0.5) < 0.03, String(local));
  });
});
