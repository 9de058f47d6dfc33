import type { RuleSet } from '../compile/rule-set.ts';

/** Brings the kernel's rules of one family to what a rule set says, and takes them away again. */
export interface RuleApplier {
  /**
   * One transaction, whose size follows what changed since the last one of this applier; the first, and the one after a
   * failure or an outside change, writes everything. `changed`: something was written.
   *
   * @throws ApplyError when the kernel refuses; it has what it had before then
   */
  apply(next: RuleSet): Promise<{ readonly changed: boolean }>;
  /** Asks the kernel's own parser, and writes nothing. @throws ApplyError */
  check(next: RuleSet): Promise<void>;
  /** Whether what was applied is still there, as far as a cheap look tells; if not, the next `apply` writes everything. */
  isIntact(): Promise<boolean>;
  /** Takes away every rule of ours, and nothing else. */
  cleanup(): Promise<void>;
}
