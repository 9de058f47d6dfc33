import { DIAGNOSTIC_KINDS, type DiagnosticCode, type FieldPlace } from '../config/index.ts';
import { type Diagnostic, type ObjectRef, refOf, type SourcePosition } from '../model/index.ts';

interface Reported extends ObjectRef {
  readonly position?: SourcePosition;
}

/** Collects what the objects say about each other. */
export class CompileReport {
  readonly diagnostics: Diagnostic[] = [];
  readonly #said = new Set<string>();

  /** At a field of the object, or at the object itself. The same finding is reported once. */
  add(code: DiagnosticCode, object: Reported, message: string, place?: FieldPlace): void {
    const key = `${code} ${object.kind} ${object.namespace}/${object.name} ${place?.path ?? ''} ${message}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    const position = place?.position ?? object.position;
    this.diagnostics.push({
      code,
      severity: DIAGNOSTIC_KINDS[code].severity,
      message,
      object: refOf(object),
      ...(place !== undefined && { path: place.path }),
      ...(position !== undefined && { position }),
    });
  }
}
