import type { RuleSet } from '../compile/rule-set.ts';

/** Something about a dump that its reader should know. */
export interface DumpFinding {
  /** From 1; absent for what concerns the whole dump. */
  readonly line?: number;
  /** One sentence. */
  readonly message: string;
}

/** A dump as far as it could be read: rules not understood are kept as such, and taken as not applying. */
export interface ParsedDump {
  readonly ruleSets: readonly RuleSet[];
  readonly findings: readonly DumpFinding[];
}
