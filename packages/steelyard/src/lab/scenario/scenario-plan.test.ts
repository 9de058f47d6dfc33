import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../lab.test-bed.ts';
import { planScenario } from './scenario-plan.ts';
import { isScenario, SCENARIOS } from './scenario.ts';

const old = [pod('10.0.0.1'), pod('10.0.0.2'), pod('10.0.0.254')];
const TTL_MS = 2000;

test('scale-up: as many again, at once, and time for the last caller to know', () => {
  const { fresh, steps, durationMs } = planScenario('scale-up', old, TTL_MS);
  assert.deepEqual(
    fresh.map(({ address, podName }) => [address, podName]),
    [
      ['10.0.0.3', 'new-1'],
      ['10.0.0.4', 'new-2'],
      ['10.0.0.5', 'new-3'],
    ],
  );
  assert.deepEqual(steps, [{ atMs: 2000, added: fresh, removed: [] }]);
  assert.ok(durationMs >= 2000 + TTL_MS + 1000);
});

test('rollout: a new one is there before the old one goes, one after the other', () => {
  const { fresh, steps, durationMs } = planScenario('rollout', old, TTL_MS);
  assert.deepEqual(
    steps.flatMap(({ added, removed }) => [...added, ...removed]),
    old.flatMap((gone, index) => [fresh[index], gone]),
  );
  const times = steps.map(({ atMs }) => atMs);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(durationMs > (times.at(-1) ?? Infinity) + TTL_MS);
});

test('addresses of new pods are free ones, of IPv6 too', () => {
  const { fresh } = planScenario('scale-up', [pod('fd00::1'), pod('fd00::'), pod('fd00::2')], TTL_MS);
  const all = ['fd00::1', 'fd00::', 'fd00::2', ...fresh.map(({ address }) => address)];
  assert.equal(new Set(all).size, 6, all.join());
});

test('names of scenarios', () => {
  for (const name of SCENARIOS) assert.ok(isScenario(name));
  assert.ok(!isScenario('blackout'));
});
