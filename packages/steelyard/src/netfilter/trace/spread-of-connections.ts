/** What becomes of `connections` long-lived connections, each of which lands on pod i with probability shares[i]. */
export interface ConnectionSpread {
  readonly connections: number;
  /** Expected number of pods without any connection: Σ (1 - p)^k. */
  readonly idlePods: number;
  /** Expected share of the pod that has most connections, in (0, 1]. */
  readonly busiestShare: number;
}

/** The sums are exact below this many pods × connections; above, the counts are taken as independent (Poisson). */
const EXACT_WORK = 200_000;

export function connectionSpread(shares: readonly number[], connections: number): ConnectionSpread {
  const idlePods = shares.reduce((sum, share) => sum + (1 - share) ** connections, 0);
  // E[max] = Σ P(max > m), m from 0.
  const fits = shares.length * connections <= EXACT_WORK ? exactFit : poissonFit;
  let expected = 0;
  for (let most = 0; most < connections; most++) {
    const more = 1 - fits(shares, connections, most);
    expected += more;
    if (more < 1e-9) break;
  }
  return { connections, idlePods, busiestShare: expected / connections };
}

/**
 * P(no pod has more than `most` connections): the multinomial's generating function, k! · [x^k] Π Σ_{j ≤ m} (p x)^j / j!.
 * Pods are added one after the other to the distribution of how many connections they have together, so nothing overflows.
 */
function exactFit(shares: readonly number[], connections: number, most: number): number {
  if (most * shares.length < connections) return 0;
  // placed[c]: probability that the pods so far have c connections together and none more than `most`.
  let placed = [1];
  let left = 1;
  for (const share of shares) {
    // Of the connections not on earlier pods, each is on this one with this probability.
    const chance = left > 0 ? Math.min(1, share / left) : 0;
    const next: number[] = [];
    for (const [before, probability] of placed.entries()) {
      if (probability === 0) continue;
      const rest = connections - before;
      for (const [count, each] of binomial(rest, chance, Math.min(most, rest)).entries()) {
        next[before + count] = (next[before + count] ?? 0) + probability * each;
      }
    }
    placed = Array.from(next, (value) => value ?? 0);
    left -= share;
  }
  return Math.min(1, placed[connections] ?? 0);
}

/** P(exactly 0, 1, … `most` of `trials`). */
function binomial(trials: number, chance: number, most: number): number[] {
  if (chance >= 1) return Array.from({ length: most + 1 }, (_, count) => (count === trials ? 1 : 0));
  const found: number[] = [];
  let value = (1 - chance) ** trials;
  for (let count = 0; count <= most; count++) {
    found.push(value);
    value *= ((trials - count) / (count + 1)) * (chance / (1 - chance));
  }
  return found;
}

function poissonFit(shares: readonly number[], connections: number, most: number): number {
  let fits = 1;
  for (const share of shares) {
    const mean = share * connections;
    let term = Math.exp(-mean);
    let sum = 0;
    for (let count = 0; count <= most; count++) {
      sum += term;
      term *= mean / (count + 1);
    }
    fits *= Math.min(1, sum);
  }
  return fits;
}

/** Expected shares of all connections after every pod was replaced, one at a time. */
export interface RolloutSpread {
  /** Of the new pod that came first, which took over most. */
  readonly first: number;
  readonly last: number;
}

/**
 * A rolling update of `pods` pods with one surge: a new pod comes, an old one goes, and the connections of the one that
 * goes are opened anew over those that are there at that moment. Connections that are not cut stay where they are.
 */
export function rolloutSpread(pods: number): RolloutSpread {
  const old = Array.from({ length: pods }, () => 1 / pods);
  const fresh: number[] = [];
  while (old.length > 0) {
    fresh.push(0);
    const moved = (old.shift() ?? 0) / pods;
    for (const list of [old, fresh]) for (const index of list.keys()) list[index] = (list[index] ?? 0) + moved;
  }
  return { first: fresh[0] ?? 0, last: fresh.at(-1) ?? 0 };
}
