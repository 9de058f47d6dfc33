import type { UpstreamAnswer } from './upstream-answer.ts';

export interface CacheCounts {
  readonly hits: Readonly<Record<CacheKind, number>>;
  readonly misses: number;
  readonly evictions: number;
}

/** CoreDNS counts the two apart. */
export type CacheKind = 'success' | 'denial';

interface Entry {
  readonly answer: UpstreamAnswer;
  readonly kind: CacheKind;
  readonly storedMs: number;
  readonly goodUntilMs: number;
}

export interface CacheLimits {
  /** Nothing is kept for longer, whatever its TTL. 0: nothing is kept. */
  readonly maxSeconds: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** What upstreams answered, for as long as they said. The least recently used goes first. */
export class ForwardCache {
  readonly #limits: CacheLimits;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  readonly #hits = { success: 0, denial: 0 };
  #misses = 0;
  #evictions = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  get counts(): CacheCounts {
    return { hits: { ...this.#hits }, misses: this.#misses, evictions: this.#evictions };
  }

  /** How many there are of each kind. */
  get sizes(): Readonly<Record<CacheKind, number>> {
    const sizes = { success: 0, denial: 0 };
    for (const { kind } of this.#entries.values()) sizes[kind]++;
    return sizes;
  }

  /** The answer and its age in whole seconds. */
  get(key: string, nowMs: number): { readonly answer: UpstreamAnswer; readonly ageSeconds: number } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs >= entry.goodUntilMs) {
      this.#misses++;
      if (entry !== undefined) this.#remove(key, entry);
      return undefined;
    }
    this.#hits[entry.kind]++;
    // A Map gives its keys in the order they were set in: the first is the one unused for longest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return { answer: entry.answer, ageSeconds: Math.floor((nowMs - entry.storedMs) / 1000) };
  }

  set(key: string, answer: UpstreamAnswer, nowMs: number): void {
    const seconds = Math.min(answer.ttlSeconds, this.#limits.maxSeconds);
    if (seconds <= 0) return;
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    const kind = answer.code === 0 && answer.records.some(({ section }) => section === 'answer') ? 'success' : 'denial';
    this.#entries.set(key, { answer, kind, storedMs: nowMs, goodUntilMs: nowMs + seconds * 1000 });
    this.#bytes += sizeOf(answer);
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) break;
      this.#remove(oldest, entry);
      this.#evictions++;
    }
  }

  #remove(key: string, { answer }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= sizeOf(answer);
  }
}

/** Objects beside the octets are counted at a guess. */
function sizeOf({ message, records }: UpstreamAnswer): number {
  return message.length + 300 + 60 * records.length;
}
