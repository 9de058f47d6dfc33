import type { Misbehaviour } from './misbehaviour.ts';
import type { Row } from './row.ts';
import { measureCost } from './cost.ts';
import { measureFailing } from './failing.ts';
import { CAPACITIES, measureShares } from './shares.ts';
import { measureSubset, measureUpdate } from './update.ts';

export interface Experiment {
  readonly about: string;
  /** Of the pods' process, by address. */
  readonly misbehaving: Readonly<Record<string, Misbehaviour>>;
  readonly run: (port: number, rounds: number, say: (text: string) => void) => Promise<Row[]>;
}

const UNAVAILABLE = 14;
/** The third of `loopbackAddresses`. */
const SUSPECT = '127.16.0.2';

/** Addresses in the order of `loopbackAddresses`. */
const reporting = Object.fromEntries(
  CAPACITIES.flatMap((capacity, index) => (capacity === undefined ? [] : [[`127.16.0.${index}`, { capacity }]])),
);

export const EXPERIMENTS: ReadonlyMap<string, Experiment> = new Map([
  ['cost', { about: 'CPU per call beside round_robin', misbehaving: {}, run: measureCost }],
  ['update', { about: 'of 1,000 endpoints one changes', misbehaving: {}, run: measureUpdate }],
  ['subset', { about: '5,000 endpoints, a subset of 20', misbehaving: {}, run: measureSubset }],
  ['shares', { about: 'over 100,000 calls, in percent', misbehaving: reporting, run: measureShares }],
  [
    'slow',
    {
      about: 'one of five pods takes 200 ms',
      misbehaving: { [SUSPECT]: { delayMs: 200 } },
      run: (port: number, _rounds: number, say: (text: string) => void) => measureFailing('slow', port, say),
    },
  ],
  [
    'failing',
    {
      about: 'one of five pods fails at once',
      misbehaving: { [SUSPECT]: { failure: UNAVAILABLE } },
      run: (port: number, _rounds: number, say: (text: string) => void) => measureFailing('failing', port, say),
    },
  ],
]);
