import { MemoryBudget } from '@steelyard/http2';
import type { PressureReport } from '../metrics/metrics-pressure.ts';

/** A connection, as far as it takes memory. */
export interface MemoryHolder {
  /** Octets that are held for its peer. Asked only when there are too many in all. */
  readonly heldLength: number;
  /** Gives up what no call needs, if it holds such. */
  lighten?(): void;
  /** Gives up what it holds, or much of it: whatever that costs its calls. */
  relieve(detail: string): void;
}

/** How much of the limit may be left in use when relief ends: the next charge shall not begin it anew. */
const TARGET = 0.75;

const DETAIL = 'the proxy is short of memory, and this connection holds the most';

/**
 * Watches over the memory of all connections of a process (CVE-2019-9517, CVE-2026-47774 and kin, spread over many
 * connections). Beyond the limit the engine refuses new streams; what no call needs goes, then the connections that hold the
 * most are relieved of it, one after the other, until three quarters are in use.
 */
export class MemoryGuard {
  readonly budget: MemoryBudget;
  #relieved = 0;
  readonly #members = new Set<MemoryHolder>();
  #scheduled = false;

  /** @param limit octets. */
  constructor(limit: number) {
    this.budget = new MemoryBudget(limit, () => {
      if (this.#scheduled) return;
      this.#scheduled = true;
      // Not from where the charge comes: it is in the middle of a frame.
      setImmediate(() => this.#relieve());
    });
  }

  add(member: MemoryHolder): void {
    this.#members.add(member);
  }

  remove(member: MemoryHolder): void {
    this.#members.delete(member);
  }

  report(): Omit<PressureReport, 'refusedConnections'> {
    const { used, refusedStreams } = this.budget;
    return { heldOctets: used, refusedStreams, relievedConnections: this.#relieved };
  }

  #relieve(): void {
    this.#scheduled = false;
    const { budget } = this;
    for (const member of this.#members) member.lighten?.();
    // Once each at most: what one cannot give up now it may be able to at the next charge.
    const bySize = [...this.#members]
      .map((member) => ({ member, held: member.heldLength }))
      .toSorted((a, b) => b.held - a.held);
    for (const { member, held } of bySize) {
      if (held === 0 || budget.used <= budget.limit * TARGET) return;
      this.#relieved++;
      member.relieve(DETAIL);
    }
  }
}
