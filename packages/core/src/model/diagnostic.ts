/** Which Kubernetes object something is about. */
export interface ObjectRef {
  /** As the manifest says it: `Service`, `EndpointSlice`, `VirtualService`, … */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function isSameObject(a: ObjectRef, b: ObjectRef): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

/** Where in a manifest an object or a field stands. Lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * - `error`: the object (or the part named by `path`) is not used; its last good version stays.
 * - `warning`: used, but not everything it says is honoured.
 * - `info`: worth knowing.
 */
export type Severity = 'error' | 'warning' | 'info';

/** One finding about the user's objects. `code` is stable and documented in `docs/diagnostics.md`. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  /** One sentence: what is the matter, and what to do. */
  readonly message: string;
  readonly object?: ObjectRef;
  /** Field inside the object in kubectl's spelling: `spec.http[0].route[1].weight`. */
  readonly path?: string;
  readonly position?: SourcePosition;
}
