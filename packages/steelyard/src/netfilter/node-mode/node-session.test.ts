import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { createTestSource, type TestSource } from '@steelyard/testkit';
import { silentLog } from '../../log.test-bed.ts';
import { createFakeNft, type FakeNft } from './fake-nft.test-bed.ts';
import { type NodeMode, type NodeModeOptions, startNodeMode } from './node-session.ts';
import { cleanUpNodeRules, isNodeModeAlive } from './node-applier.ts';

interface Bed {
  readonly nft: FakeNft;
  readonly mode: NodeMode;
  readonly source: TestSource;
  /** Ports of listeners that are open. */
  readonly listeners: Set<number>;
  /** Connections that listeners have accepted. */
  accepted: number;
}

let lastPort = 40_000;

async function startBed(
  t: TestContext,
  nft: FakeNft = createFakeNft(),
  options: Partial<NodeModeOptions> = {},
): Promise<Bed> {
  const source = createTestSource([{ port: 8001 }]);
  const listeners = new Set<number>();
  let bed: Bed | undefined;
  const mode = await startNodeMode({
    source,
    addresses: { IPv4: '192.168.0.2' },
    async open({ host }) {
      const port = ++lastPort;
      listeners.add(port);
      return Promise.resolve({
        address: { host, port },
        get accepted() {
          return bed?.accepted ?? 0;
        },
        close: () => listeners.delete(port),
      });
    },
    isReady: () => true,
    log: silentLog,
    run: nft.run,
    watch: () => ({ dismiss: () => undefined }),
    // As fast as it goes: nothing here depends on how fast that is.
    heartbeatMs: 1,
    standbyMs: 1,
    ...options,
  });
  t.after(() => mode.close());
  bed = { nft, mode, source, listeners, accepted: 0 };
  return bed;
}

const KEY = '10.97.211.12 . 8000';

function redirectsTo({ nft }: Bed): number {
  return Number(nft.sets?.get('ports4')?.get(KEY));
}

async function until(nft: FakeNft, holds: () => boolean): Promise<void> {
  while (!holds()) await nft.next();
}

suite('node mode', () => {
  test('a listener for the Service port, a redirect to it, heartbeats; nothing is left at the end', async (t) => {
    const bed = await startBed(t);
    const { nft, mode, listeners } = bed;
    assert.deepEqual([...listeners], [redirectsTo(bed)]);
    assert.equal(await isNodeModeAlive(nft.run), true);
    await until(nft, () => mode.counts.heartbeats >= 3);
    assert.equal(mode.phase, 'owner');
    await mode.standDown();
    assert.equal(nft.sets?.get('alive')?.size, 0);
    assert.equal(listeners.size, 1, 'what is on its way there is still served');
    await mode.close();
    assert.equal(nft.sets, undefined);
    assert.equal(listeners.size, 0);
  });

  test('while the proxy is not ready, the rules are left to time out', async (t) => {
    let ready = true;
    let asked = 0;
    let onAsked = (): void => undefined;
    const isReady = (): boolean => {
      asked++;
      onAsked();
      return ready;
    };
    const phases: string[] = [];
    const options = { isReady, onPhase: (phase: string) => phases.push(phase) };
    const { nft, mode } = await startBed(t, createFakeNft(), options);
    await until(nft, () => mode.counts.heartbeats >= 1);
    ready = false;
    const [turns, scripts] = [asked + 10, nft.scripts.length];
    await new Promise<void>((resolve) => {
      onAsked = () => {
        if (asked === turns) resolve();
      };
    });
    assert.ok(nft.scripts.length <= scripts + 1, 'at most the one that was under way');
    nft.expire();
    ready = true;
    await until(nft, () => nft.sets?.get('alive')?.size === 1 && mode.phase === 'owner');
    assert.deepEqual(phases, ['lapsing', 'owner']);
  });

  test('another process takes over: this one leaves its rules alone, and comes back when they lapse', async (t) => {
    const nft = createFakeNft();
    const phases: string[] = [];
    const first = await startBed(t, nft, { onPhase: (phase) => phases.push(phase) });
    const before = redirectsTo(first);
    const second = await startBed(t, nft);
    assert.notEqual(redirectsTo(second), before);
    await until(nft, () => first.mode.phase === 'standby');
    await until(nft, () => second.mode.counts.heartbeats >= 3);
    assert.ok(second.listeners.has(redirectsTo(second)));
    await second.mode.standDown();
    await until(nft, () => first.mode.phase === 'owner');
    const after = redirectsTo(first);
    assert.ok(first.listeners.has(after));
    assert.deepEqual(phases, ['standby', 'owner']);
    await second.mode.close();
    assert.equal(redirectsTo(first), after, 'the end of the other takes nothing away');
  });

  test('the end while a heartbeat is under way is the end', async (t) => {
    const phases: string[] = [];
    let ended: Promise<void> | undefined;
    let mode: NodeMode | undefined;
    // Asked for in the middle of each heartbeat.
    const isReady = (): boolean => {
      ended ??= mode?.close();
      return true;
    };
    const { nft, mode: started } = await startBed(t, createFakeNft(), {
      isReady,
      onPhase: (phase) => phases.push(phase),
    });
    mode = started;
    await until(nft, () => ended !== undefined);
    await ended;
    assert.deepEqual([started.phase, phases, nft.sets], ['left', ['left'], undefined]);
  });

  test('an old process that ends leaves the rules of the new one', async (t) => {
    const nft = createFakeNft();
    const first = await startBed(t, nft);
    const second = await startBed(t, nft);
    await first.mode.close();
    assert.ok(second.listeners.has(redirectsTo(second)));
    assert.equal(await isNodeModeAlive(nft.run), true);
  });

  test('rules that somebody removed are written again', async (t) => {
    const bed = await startBed(t);
    await until(bed.nft, () => bed.mode.counts.heartbeats >= 1);
    bed.nft.removeTable();
    await until(bed.nft, () => bed.mode.counts.takeovers === 2);
    assert.ok(bed.listeners.has(redirectsTo(bed)));
  });

  test('a kernel that refuses for a while: told once, and all is well afterwards', async (t) => {
    const phases: string[] = [];
    const { nft, mode } = await startBed(t, createFakeNft(), { onPhase: (phase) => phases.push(phase) });
    nft.refusal = 'Device or resource busy';
    await until(nft, () => mode.counts.heartbeatFailures >= 3);
    nft.refusal = undefined;
    await until(nft, () => mode.phase === 'owner');
    assert.deepEqual(phases, ['lapsing', 'owner']);
  });

  test('connections that do not arrive go to kube-proxy for a while, then it is tried again', async (t) => {
    const phases: string[] = [];
    const bed = await startBed(t, createFakeNft(), { onPhase: (phase) => phases.push(phase), blockedMs: 1 });
    const { nft, mode } = bed;
    bed.accepted = 1;
    nft.handed = 1;
    await until(nft, () => mode.counts.heartbeats >= 3);
    nft.handed = 9;
    await until(nft, () => mode.counts.blocks === 1);
    assert.equal(mode.phase, 'blocked');
    bed.accepted = 2;
    await until(nft, () => mode.phase === 'owner');
    assert.deepEqual(phases, ['blocked', 'owner']);
  });

  test('a port that cannot be listened on stays with kube-proxy', async (t) => {
    const bed = await startBed(t, createFakeNft(), { open: () => Promise.reject(new Error('EADDRINUSE')) });
    assert.equal(bed.nft.sets?.get('ports4')?.size, 0);
    assert.equal(bed.mode.phase, 'owner');
  });

  test('cleanup takes away what a process left', async (t) => {
    const { nft } = await startBed(t);
    await cleanUpNodeRules(nft.run);
    assert.equal(nft.sets, undefined);
  });
});
