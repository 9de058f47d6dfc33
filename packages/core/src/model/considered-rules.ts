import type { ObjectRef } from './diagnostic.ts';

/**
 * What became of a DestinationRule whose host fits a Service:
 * - `chosen`: it decides, the oldest of those that are merged.
 * - `merged`: into the chosen one, `by`.
 * - `apart`: for the same host, but kept from being merged with `by` by its `exportTo` or `workloadSelector`.
 * - `wider`: `by`, in the same namespace, has a host that fits better.
 * - `later`: the search ended before, at `by`.
 * - `out-of-reach`: in a namespace that is not looked in for these callers and this Service.
 * - `not-exported`: `exportTo` leaves out the callers' namespace.
 * - `not-selected`: `workloadSelector` is for other callers.
 */
export type RuleFate =
  | 'chosen'
  | 'merged'
  | 'apart'
  | 'wider'
  | 'later'
  | 'out-of-reach'
  | 'not-exported'
  | 'not-selected';

/** A DestinationRule that was looked at for a Service. */
export interface ConsideredRule {
  readonly object: ObjectRef;
  /** Its host: a full name, or a wildcard that fits. */
  readonly host: string;
  readonly is: RuleFate;
  /** The rule that it had to give way to. */
  readonly by?: ObjectRef;
  /** Of a merged rule: whose `trafficPolicy` holds instead of its own. */
  readonly policyOf?: ObjectRef;
}

/** All DestinationRules for one host, as the search for the one that decides came upon them. */
export interface ConsideredRules {
  /** Whose namespace the search ended in; absent: it found nothing. */
  readonly at?: 'callers' | 'service' | 'root';
  /** What decides first. */
  readonly rules: readonly ConsideredRule[];
  /** Rules that are not listed, being many. */
  readonly more?: number;
}

/** A rule of a VirtualService that takes no call of these callers at this port, whatever the call is like. */
export interface LeftOutRule {
  readonly name: string;
  readonly virtualService: ObjectRef;
  /** How many routes stand before it. */
  readonly after: number;
  /** A sentence without its full stop: what its matches want, and what is. */
  readonly why: string;
}

/** The rules of a virtual host that are left out, in their order. */
export interface LeftOutRules {
  readonly rules: readonly LeftOutRule[];
  /** Rules that are not listed, being many. */
  readonly more?: number;
}
