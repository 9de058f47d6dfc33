// A node, three pods and a caller in network namespaces of their own, with kube-proxy's rules, and node mode when asked.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { chiSquareTest } from '@steelyard/core/balance';
import { openManifests } from '../../kube/index.ts';
import { findLabTarget } from '../../lab/index.ts';
import { openKernelBed } from '../../lab/kernel/kernel-bed.ts';
import type { KernelNet } from '../../lab/kernel/kernel-net.ts';
import type { KernelMode } from '../../lab/kernel/kernel-tools.ts';
import { startChild } from '../../lab/processes/child-process.ts';
import { createCleanup } from '../../cleanup.ts';
import { type CallsMeasured, isMessage, TARGET_VARIABLE } from '../../lab/processes/messages.ts';
import { silentLog } from '../../log.test-bed.ts';
import { EXAMPLE, type RunningCli, startCli } from '../cli.test-bed.ts';

const TARGET = '10.97.211.12:8000';
export const CALLS = 300;
/** Calls under way at any moment. */
export const CONCURRENCY = 4;

export interface KernelTestBed {
  readonly net: KernelNet;
  /** `steelyard node` on the node, whose rules are in effect. */
  startNode(...options: readonly string[]): Promise<RunningCli>;
  /** Calls over one channel, from the caller's pod or from the node itself. `onDone` hears how many are done, now and then. */
  call(calls: number, from?: 'pod' | 'node', onDone?: (done: number) => void): Promise<CallsMeasured>;
  /** Whether node mode's table is there, and has effect. */
  rules(): Promise<'in effect' | 'idle' | 'none'>;
  /** Looks again and again; the time limit of the test ends it. */
  untilRules(wanted: 'in effect' | 'idle' | 'none'): Promise<void>;
}

/** @param more manifests beside the example's @param dialled what callers call */
export async function startKernelBed(
  t: TestContext,
  mode: KernelMode,
  more: readonly string[] = [],
  dialled = TARGET,
): Promise<KernelTestBed> {
  const cleanup = createCleanup();
  t.after(() => cleanup.run());
  const manifests = await openManifests({
    paths: [EXAMPLE, ...more],
    watch: false,
    strict: true,
    clusterDomain: 'cluster.local',
    namespace: 'default',
    client: {},
    log: silentLog,
  });
  manifests.close();
  const snapshot = manifests.current;
  const target = findLabTarget(snapshot, 'default');
  const context = {
    snapshot,
    namespace: 'default',
    target,
    seed: 1,
    cleanup,
    log: silentLog,
    logLevel: 'error',
  } as const;
  const lab = await openKernelBed(mode, context);
  await lab.open('service');
  const { net } = lab;

  const rules = async (): Promise<'in effect' | 'idle' | 'none'> => {
    const { code, stdout } = await net.node.run('nft', ['list', 'set', 'inet', 'steelyard-node', 'alive']);
    if (code !== 0) return 'none';
    return stdout.includes('expires') ? 'in effect' : 'idle';
  };
  return {
    net,
    async startNode(...options) {
      const files = [EXAMPLE, ...more].flatMap((path) => ['-f', path]);
      const args = ['node', ...files, '--address', net.nodeAddress, ...options];
      const node = startCli(t, args, ['nsenter', '-t', `${net.node.pid}`, '-n']);
      await node.said(/^steelyard node balances \d+ Service ports? on /m);
      return node;
    },
    async call(calls, from = 'pod', onDone = () => undefined) {
      const caller = startChild({
        module: './caller-main.js',
        name: 'the caller',
        env: { [TARGET_VARIABLE]: dialled },
        networkOf: from === 'pod' ? net.caller.pid : net.node.pid,
      });
      cleanup.defer(() => caller.stop());
      const job = { kind: 'run-calls', calls, concurrency: CONCURRENCY, seed: 1, awaitPods: 1 } as const;
      const measured = await caller.ask(job, 'calls-measured', (message) => {
        if (isMessage(message, 'calls-done')) onDone(message.done);
      });
      await caller.stop();
      return measured;
    },
    rules,
    async untilRules(wanted) {
      while ((await rules()) !== wanted);
    },
  };
}

export function assertSpread(measured: CallsMeasured, where: string): void {
  assert.deepEqual([...measured.tally.callsByFailure], [], where);
  const byPod = counts(measured);
  assert.equal(byPod.length, 3, where);
  // RANDOM's bar is p > 0.001; beyond this one chance does not make the test fail.
  assert.ok(chiSquareTest(byPod, [1 / 3, 1 / 3, 1 / 3]).pValue > 1e-6, `${where}: ${byPod.join(' ')}`);
}

export function assertPinned(measured: CallsMeasured, where: string): void {
  assert.deepEqual([...measured.tally.callsByFailure], [], where);
  assert.equal(counts(measured).length, 1, where);
}

function counts({ tally }: CallsMeasured): number[] {
  return [...tally.callsByPod.values()];
}
