import type { Snapshot } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import { ApplyError, type RunTool, runTool } from './kernel-tool.ts';
import { deleteFlows, type StaleFlows, staleFlows } from './stale-flows.ts';

export interface FlowCleanerOptions {
  readonly log: Logger;
  /**
   * Ends TCP connections to a pod so long after it stopped serving, unless it serves again by then. Absent: they are left
   * alone, as kube-proxy leaves them. The kernel forgets how it rewrote the connection, takes the client's next packet for
   * the first of another one, and the pod that gets it answers with a reset.
   */
  readonly tcpGraceMs?: number;
  readonly run?: RunTool;
  /** Calls back after so many milliseconds; returns what takes that back. */
  readonly after?: (delayMs: number, work: () => void) => () => void;
}

/** Ends the kernel's flows to pods that are gone: UDP at once, TCP where that is wanted. */
export interface FlowCleaner {
  /** The rules are those of `after` now. */
  written(before: Snapshot | undefined, after: Snapshot): Promise<void>;
  /** Flows that were asked to be ended (kube-proxy, `conntrack_reconciler_deleted_entries_total`). */
  readonly deleted: number;
  close(): void;
}

export function createFlowCleaner(options: FlowCleanerOptions): FlowCleaner {
  const { log, tcpGraceMs, run = runTool, after = afterTimeout } = options;
  const waiting = new Map<string, () => void>();
  let isMissing = false;
  let deleted = 0;

  async function end(flows: readonly StaleFlows[]): Promise<void> {
    if (flows.length === 0 || isMissing) return;
    try {
      await deleteFlows(flows, run);
      deleted += flows.length;
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      isMissing = true;
      log.warn(`clients may stay with pods that are gone: ${error.message}`);
    }
  }

  function endLater(flow: StaleFlows, delayMs: number): void {
    const key = keyOf(flow);
    if (waiting.has(key)) return;
    const cancel = after(delayMs, () => {
      waiting.delete(key);
      void end([flow]);
    });
    waiting.set(key, cancel);
  }

  return {
    async written(before, now) {
      await end(staleFlows('UDP', before, now));
      if (tcpGraceMs === undefined) return;
      // A pod that serves again keeps its connections: from its side, those are the flows that have come to be served.
      for (const flow of before === undefined ? [] : staleFlows('TCP', now, before)) {
        waiting.get(keyOf(flow))?.();
        waiting.delete(keyOf(flow));
      }
      for (const flow of staleFlows('TCP', before, now)) endLater(flow, tcpGraceMs);
    },
    get deleted() {
      return deleted;
    },
    close() {
      for (const cancel of waiting.values()) cancel();
      waiting.clear();
    },
  };
}

function keyOf({ protocol, family, destination = '', port, pod = '' }: StaleFlows): string {
  return [protocol, family, destination, port, pod].join(' ');
}

function afterTimeout(delayMs: number, work: () => void): () => void {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
}
