// What a lab with network namespaces leaves behind when it is killed.
import { readdirSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { startCli } from '../cli.test-bed.ts';

/** Processes that are not zombies, with their parents. */
function processes(): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // proc(5): the command may hold anything, a parenthesis ends it.
      const [state, parent] = readFileSync(`/proc/${entry}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (state !== 'Z') found.set(Number(entry), Number(parent));
    } catch {
      // It has ended since.
    }
  }
  return found;
}

function descendantsOf(pid: number): number[] {
  const all = [...processes()];
  const below = (parent: number): number[] =>
    all.flatMap(([child, its]) => (its === parent ? [child, ...below(child)] : []));
  return below(pid);
}

suite('lab --kernel', { skip: lacks() }, () => {
  test('kill -9: every process ends, and the namespaces with them', async (t) => {
    const lab = startCli(t, ['lab', '--kernel', 'nftables', '--way', 'node', '--calls', '10000000']);
    await lab.said(/^node: 10000000 calls/m);
    const { pid = 0 } = lab.child;
    // A shell a namespace (the node, the caller, three pods), a server a pod.
    let started: number[] = [];
    while (started.length < 8) {
      started = descendantsOf(pid);
      await new Promise((resolve) => setImmediate(resolve));
    }
    lab.child.kill('SIGKILL');
    // The test's time limit ends this.
    for (let left = started; left.length > 0;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const alive = processes();
      left = started.filter((each) => alive.has(each));
    }
  });
});
