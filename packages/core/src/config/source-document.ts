/**
 * One untrusted object on its way in, whatever it was read from (a YAML document, an API server's answer).
 * The core never sees YAML: `locate` is how a Diagnostic learns its line.
 */
export interface SourceDocument {
  /** File name, or a URL-like name of the source. */
  readonly file: string;
  /** The parsed object: plain JSON-like data of any shape. */
  readonly value: unknown;
  /** Position of the field at `path` (or of its nearest existing parent). Lines and columns count from 1. */
  locate(path: readonly (string | number)[]): { line: number; column: number } | undefined;
  /** What the reader of the source found. A document that failed has no value; what it held before stays. */
  readonly problems?: readonly SourceProblem[];
}

export interface SourceProblem {
  /**
   * - `syntax-error`: the document is lost, its place in the file still counts.
   * - `source-unreadable`: the whole file is lost; it has no other document.
   * - `syntax-warning`: the value is good.
   */
  readonly code: 'syntax-error' | 'syntax-warning' | 'source-unreadable';
  /** One sentence. */
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}
