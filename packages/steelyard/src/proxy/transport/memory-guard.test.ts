import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { MemoryGuard, type MemoryHolder } from './memory-guard.ts';

function holder(guard: MemoryGuard, name: string, heldLength: number, said: string[]): MemoryHolder {
  const member = {
    heldLength,
    relieve(): void {
      said.push(name);
      guard.budget.release(member.heldLength);
      member.heldLength = 0;
    },
  };
  guard.add(member);
  guard.budget.charge(heldLength);
  return member;
}

test('the greediest go first, and only as many as it takes', async () => {
  const said: string[] = [];
  const guard = new MemoryGuard(1000);
  holder(guard, 'small', 200, said);
  holder(guard, 'large', 500, said);
  holder(guard, 'middle', 250, said);
  await turn();
  assert.deepEqual(said, [], 'within the limit nobody is disturbed');
  holder(guard, 'last', 100, said);
  await turn();
  assert.deepEqual(said, ['large']);
  assert.deepEqual(guard.report(), { heldOctets: 550, refusedStreams: 0, relievedConnections: 1 });
});

test('what no call needs goes first, and nobody is relieved if that is enough', async () => {
  const said: string[] = [];
  const guard = new MemoryGuard(1000);
  holder(guard, 'large', 600, said);
  let kept = 300;
  guard.add({
    get heldLength() {
      return kept;
    },
    lighten() {
      guard.budget.release(kept);
      kept = 0;
    },
    relieve: () => said.push('keeper'),
  });
  guard.budget.charge(kept);
  holder(guard, 'last', 150, said);
  await turn();
  assert.deepEqual(said, []);
  assert.equal(guard.budget.used, 750);
});

test('who is gone is not asked', async () => {
  const said: string[] = [];
  const guard = new MemoryGuard(1000);
  const gone = holder(guard, 'gone', 800, said);
  holder(guard, 'here', 300, said);
  guard.remove(gone);
  await turn();
  assert.deepEqual(said, ['here']);
});

test('members that hold nothing are left alone, whatever the sum', async () => {
  const said: string[] = [];
  const guard = new MemoryGuard(1000);
  holder(guard, 'nothing', 0, said);
  guard.budget.charge(5000);
  await turn();
  assert.deepEqual(said, []);
});
