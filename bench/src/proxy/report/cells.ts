import type { SubjectName } from '@steelyard/tools/peers';
import type { Cell, Figure, Ratio } from './report.ts';
import { groupBy, median, round, spreadOf } from '../../statistics.ts';

/** One measurement of one round. */
export interface Sample {
  readonly round: number;
  readonly shape: string;
  readonly upstreams: number;
  readonly subject: SubjectName;
  readonly outcome: Outcome;
}

/** Or why there is none. */
export type Outcome = Measurement | { readonly void: string };

export interface Measurement {
  /** When it was taken, in ms of the epoch. */
  readonly from: number;
  readonly to: number;
  readonly cpuMicrosPerCall: number;
  readonly callsPerSecond: number;
  readonly busy: number;
  readonly systemShare: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly leastShare: number;
}

/** In the order in which shapes and subjects first appear. One void round voids the cell: a proxy that fails calls has no figure. */
export function cellsOf(samples: readonly Sample[]): Cell[] {
  return [...groupBy(samples, cellKey).values()].flatMap((group): Cell[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { shape, upstreams, subject } = first;
    const reasons = group.flatMap(({ outcome }) => ('void' in outcome ? [outcome.void] : []));
    const measured = group.flatMap(({ outcome }) => ('void' in outcome ? [] : [outcome]));
    const [reason] = reasons;
    const cell = { shape, upstreams, subject };
    if (reason !== undefined) return [{ ...cell, void: reason, figure: null }];
    return [{ ...cell, void: null, figure: figureOf(measured) }];
  });
}

function figureOf(measured: readonly Measurement[]): Figure {
  const of = (field: keyof Measurement): number[] =>
    measured.flatMap((each) => {
      const value = each[field];
      return value === null ? [] : [value];
    });
  const timed = (field: 'p50Ms' | 'p99Ms'): number | null => {
    const values = of(field);
    return values.length === 0 ? null : round(median(values), 4);
  };
  return {
    cpuMicrosPerCall: spreadOf(of('cpuMicrosPerCall')),
    callsPerSecond: round(median(of('callsPerSecond')), 0),
    busy: round(median(of('busy')), 2),
    systemShare: round(median(of('systemShare')), 2),
    p50Ms: timed('p50Ms'),
    p99Ms: timed('p99Ms'),
    leastShare: round(Math.min(...of('leastShare')), 2),
  };
}

/**
 * Ratios within a round, then their median: rounds run one after the other on a machine whose speed drifts, what is measured
 * close together compares best. A void cell has none.
 */
export function ratiosOf(samples: readonly Sample[], cells: readonly Cell[]): Ratio[] {
  const voided = new Set(cells.filter((cell) => cell.figure === null).map(cellKey));
  const valid = samples.filter((sample) => !voided.has(cellKey(sample)));
  const costOf = ({ outcome }: Sample): number => ('void' in outcome ? NaN : outcome.cpuMicrosPerCall);
  const roundKey = ({ shape, upstreams, round: nth }: Sample): string => `${shape} ${upstreams} ${nth}`;
  const ours = new Map(
    valid.filter(({ subject }) => subject === 'steelyard').map((sample) => [roundKey(sample), costOf(sample)]),
  );
  const peers = valid.filter(({ subject }) => subject !== 'steelyard');
  return [...groupBy(peers, cellKey).values()].flatMap((group) => {
    const [first] = group;
    const values = group.flatMap((sample) => {
      const own = ours.get(roundKey(sample));
      return own === undefined ? [] : [own / costOf(sample)];
    });
    if (first === undefined || values.length === 0) return [];
    return [{ shape: first.shape, upstreams: first.upstreams, peer: first.subject, ratio: spreadOf(values) }];
  });
}

function cellKey({ shape, upstreams, subject }: Pick<Cell, 'shape' | 'upstreams' | 'subject'>): string {
  return `${shape} ${upstreams} ${subject}`;
}
