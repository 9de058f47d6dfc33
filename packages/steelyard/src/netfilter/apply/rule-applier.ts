import type { RuleSet } from '../compile/rule-set.ts';

/** What one `apply` did. */
export interface Applied {
  /** Something was written. */
  readonly changed: boolean;
  /** Everything was written, not a difference. */
  readonly complete: boolean;
  /** Rules written, by table; empty in nftables, which counts nothing by table. */
  readonly rules: ReadonlyMap<string, number>;
}

/** Brings the kernel's rules of one family to what a rule set says, and takes them away again. */
export interface RuleApplier {
  /**
   * One transaction, whose size follows what changed since the last one of this applier; the first, and the one after a
   * failure or an outside change, writes everything.
   *
   * @throws ApplyError when the kernel refuses; it has what it had before then
   */
  apply(next: RuleSet): Promise<Applied>;
  /** The next `apply` writes everything. */
  readonly isNew: boolean;
  /** Asks the kernel's own parser, and writes nothing. @throws ApplyError */
  check(next: RuleSet): Promise<void>;
  /** Whether what was applied is still there, as far as a cheap look tells; if not, the next `apply` writes everything. */
  isIntact(): Promise<boolean>;
  /** Takes away every rule of ours, and nothing else. */
  cleanup(): Promise<void>;
}
