import type { ClusterKind } from './resource-kind.ts';

/**
 * - `syncing`: its first list has not come yet.
 * - `watching`: what is known is what the API server has.
 * - `retrying`: what is known is what the API server had; `trouble` says why.
 * - `forbidden`: this account may not read it; `trouble` says what to grant. What was known stays.
 * - `absent`: the API server does not have the kind (its CRD is not installed).
 */
export type KindPhase = 'syncing' | 'watching' | 'retrying' | 'forbidden' | 'absent';

/** How it stands with the objects of one kind. */
export interface KindStatus {
  readonly kind: ClusterKind;
  readonly phase: KindPhase;
  /** Whether a complete list has come at least once. */
  readonly synced: boolean;
  readonly objects: number;
  readonly resourceVersion: string;
  /** Since the API server last said something about it, bookmarks included; `undefined` before the first time. */
  readonly ageMs: number | undefined;
  readonly trouble?: string;
  /** Since the start. */
  readonly counts: KindCounts;
}

export interface KindCounts {
  readonly events: number;
  readonly lists: number;
  readonly watches: number;
  /** Answers and events with code 410: the history asked for is gone. */
  readonly expired: number;
  readonly failures: number;
}
