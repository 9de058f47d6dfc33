import { randomInt } from 'node:crypto';
import type { SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import { type RunTool, runTool } from '../apply/kernel-tool.ts';
import { createArrivalCheck } from './arrival-check.ts';
import { createNodeApplier, isNodeModeAlive } from './node-applier.ts';
import { createListenerPool, type OpenListener } from './listener-pool.ts';
import { compileNodeRules, type NodeAddresses, type NodeRules } from './node-rules.ts';
import { startNodeWatchdog } from './node-watchdog.ts';
import { createPortSelector, type PortChoice } from './select-ports.ts';

export interface NodeModeOptions {
  readonly source: SnapshotSource;
  /** See `selectPorts`. */
  readonly nodeName?: string | undefined;
  readonly addresses: NodeAddresses;
  readonly open: OpenListener;
  /** Whether the proxy can take connections. While it cannot, the rules are left to time out. */
  readonly isReady: () => boolean;
  readonly log: Logger;
  /** See `NodeRuleOptions`. */
  readonly exceptUser?: number | undefined;
  /** How long the rules hold without a heartbeat. Default 900. */
  readonly timeoutMs?: number;
  /** Between heartbeats. Default a third of the timeout. */
  readonly heartbeatMs?: number;
  /** How often to look whether another process's rules have lost their effect. Default 1000. */
  readonly standbyMs?: number;
  /** How long to leave connections to kube-proxy that do not arrive; each time in a row twice as long. Default 60,000. */
  readonly blockedMs?: number;
  readonly run?: RunTool;
  readonly watch?: typeof startNodeWatchdog;
  /** Called with each phase that comes after the first, which is `owner`. */
  readonly onPhase?: (phase: NodeModePhase) => void;
}

/**
 * - `owner`: the rules are ours and in effect;
 * - `standby`: another process has taken over; should it stop, this one takes its place;
 * - `blocked`: connections do not arrive, so they are left to kube-proxy for a while;
 * - `lapsing`: the proxy is not ready, or the kernel does not take what is written, so the rules time out;
 * - `left`: it is over.
 */
export type NodeModePhase = 'owner' | 'standby' | 'blocked' | 'lapsing' | 'left';

export interface NodeMode {
  readonly phase: NodeModePhase;
  readonly choice: PortChoice;
  readonly counts: NodeModeCounts;
  /** The rules lose their effect, unless another process has taken over. New connections go where kube-proxy sends them. */
  standDown(): Promise<void>;
  /** Nothing of the rules is left, unless another process's are in effect. Ends what `standDown` has not. */
  close(): Promise<void>;
}

export interface NodeModeCounts {
  /** Addresses and ports that the rules redirect. */
  redirects: number;
  heartbeats: number;
  heartbeatFailures: number;
  /** Times that a heartbeat came so late that the rules had no effect for a while. */
  lapses: number;
  takeovers: number;
  /** Times that connections did not arrive. */
  blocks: number;
}

/** Between changes of the rules: ten thousand Services take 30 ms to look through. */
const LEAST_SYNC_MS = 500;
const LONGEST_BLOCK_MS = 3_600_000;

/**
 * Opens a listener for each gRPC Service port, sends the kernel's connections there, and keeps that so by heartbeats. Takes
 * over from another process of its kind.
 *
 * @throws ApplyError when the kernel does not take the first rules
 */
export async function startNodeMode(options: NodeModeOptions): Promise<NodeMode> {
  const { source, addresses, log, isReady, timeoutMs = 900, standbyMs = 1000, run = runTool } = options;
  const { blockedMs = 60_000 } = options;
  const { watch = startNodeWatchdog } = options;
  const heartbeatMs = options.heartbeatMs ?? timeoutMs / 3;
  const ruleOptions = { addresses, owner: randomInt(1, 2 ** 32 - 1), timeoutMs, exceptUser: options.exceptUser };
  const applier = createNodeApplier(ruleOptions, run);
  const select = createPortSelector(options.nodeName);
  const listeners = createListenerPool(addresses, options.open, log);
  const counts: NodeModeCounts = {
    redirects: 0,
    heartbeats: 0,
    heartbeatFailures: 0,
    lapses: 0,
    takeovers: 0,
    blocks: 0,
  };
  let choice: PortChoice = { balanced: [], left: [] };
  let phase: NodeModePhase = 'owner';
  let rules: NodeRules = new Map();
  let changed = true;
  let renewedAt = 0;
  const arrivals = createArrivalCheck();
  let acceptedLast = 0;
  let blockedUntil = 0;
  let pauseMs = blockedMs;
  let syncedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const enter = (next: NodeModePhase, why: string): void => {
    if (phase === next || phase === 'left') return;
    phase = next;
    log[next === 'owner' ? 'info' : 'warn'](why);
    options.onPhase?.(next);
  };

  /** Listeners first: what the rules name must be there. */
  const prepare = async (): Promise<void> => {
    changed = false;
    syncedAt = performance.now();
    choice = select(source.current);
    await listeners.keep(choice.balanced);
    rules = compileNodeRules(choice.balanced, (port, family) => listeners.portOf(port, family));
    counts.redirects = rules.size;
  };

  const takeOver = async (): Promise<void> => {
    await applier.takeOver(rules);
    counts.takeovers++;
    renewedAt = performance.now();
  };

  const renew = async (): Promise<void> => {
    const hold = await applier.heartbeat();
    const now = performance.now();
    if (hold.kind === 'taken') {
      enter('standby', 'another steelyard node has taken over; this one serves the connections it has');
      await listeners.keep([]);
      return;
    }
    if (hold.kind === 'gone') {
      log.warn('somebody removed the rules: writing them again');
      await takeOver();
      return;
    }
    if (phase === 'owner' && now - renewedAt > timeoutMs) {
      counts.lapses++;
      log.warn(`the rules had no effect for about ${Math.round(now - renewedAt - timeoutMs)} ms: the machine is busy`);
    }
    renewedAt = now;
    counts.heartbeats++;
    const { accepted } = listeners;
    if (accepted !== acceptedLast) pauseMs = blockedMs;
    acceptedLast = accepted;
    if (arrivals.isBlocked(hold.handed, accepted)) block(now);
    else enter('owner', 'the rules are in effect again');
  };

  /** Better not balanced than not at all. */
  const block = (now: number): void => {
    counts.blocks++;
    blockedUntil = now + pauseMs;
    const why = `connections of pods do not arrive at ${Object.values(addresses).join(' and ')}`;
    const what = 'let those that the rules translated (ct status dnat) through the firewall of this node';
    enter('blocked', `${why}: ${what}; for ${Math.round(pauseMs / 1000)} s they go to kube-proxy's rules`);
    pauseMs = Math.min(2 * pauseMs, LONGEST_BLOCK_MS);
  };

  const beat = async (): Promise<void> => {
    listeners.sweep();
    if (phase === 'standby') {
      if (!isReady() || (await isNodeModeAlive(run))) return;
      await prepare();
      if (!(await applier.takeOverIfIdle(rules))) return;
      counts.takeovers++;
      renewedAt = performance.now();
      enter('owner', "the other steelyard node's rules have lost their effect: taking over");
      return;
    }
    if (phase === 'blocked' && performance.now() < blockedUntil) return;
    if (!isReady()) {
      enter('lapsing', 'no process of the proxy takes connections: the rules time out');
      return;
    }
    if (changed && performance.now() - syncedAt >= LEAST_SYNC_MS) {
      await prepare();
      try {
        await applier.update(rules);
      } catch {
        // Whatever it was, the heartbeat tells it apart; a change that was not written is written as a whole.
        if ((await applier.heartbeat()).kind === 'held') await takeOver();
      }
    }
    await renew();
  };

  const schedule = (): void => {
    if (phase === 'left') return;
    timer = setTimeout(
      () => {
        running = beat()
          .catch((error: unknown) => {
            counts.heartbeatFailures++;
            const why = error instanceof Error ? error.message : String(error);
            enter('lapsing', `the rules cannot be renewed, and time out: ${why}`);
          })
          .then(schedule);
      },
      phase === 'standby' ? standbyMs : heartbeatMs,
    );
  };

  await prepare();
  try {
    await takeOver();
  } catch (error) {
    listeners.close();
    throw error;
  }
  const watchdog = watch(ruleOptions, (why) => log.warn(`no shell watches over this process: ${why}`));
  const unsubscribe = source.subscribe(() => (changed = true));
  schedule();

  const standDown = async (): Promise<void> => {
    if (phase === 'left') return;
    phase = 'left';
    options.onPhase?.(phase);
    clearTimeout(timer);
    unsubscribe();
    await running;
    await applier.standDown();
  };
  return {
    get phase() {
      return phase;
    },
    get choice() {
      return choice;
    },
    counts,
    standDown,
    async close() {
      await standDown();
      await applier.remove();
      watchdog.dismiss();
      listeners.close();
    },
  };
}
