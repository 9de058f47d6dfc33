import type { SubjectName } from '../peers/index.ts';

/** What all suites are given. */
export interface SuiteOptions {
  /** The proxy under test. A peer in its place checks the suite itself. */
  readonly subject: SubjectName;
  /** Calls of the interop suite, over all callers. */
  readonly calls: number;
  readonly seed: number;
  /** Clients of the interop suite. */
  readonly callers: readonly Caller[];
  /** Of h2spec: its strict cases too. */
  readonly strict: boolean;
  /** Bytes that the memory suite sends each way. */
  readonly streamBytes: number;
  /** Idle connections that the memory suite opens. */
  readonly connections: number;
  /** Progress, for people. */
  readonly say: (text: string) => void;
}

export type Caller = 'grpc-js' | 'python';

/** The outcome of a suite: one line of what was measured, and what is against the bar. */
export interface SuiteResult {
  readonly summary: string;
  readonly failures: readonly string[];
}

export type Suite = (options: SuiteOptions) => Promise<SuiteResult>;
