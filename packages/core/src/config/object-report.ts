import type { Diagnostic, ObjectRef, SourcePosition } from '../model/index.ts';
import { DIAGNOSTIC_KINDS, type DiagnosticCode } from './diagnostic-codes.ts';
import { type FieldPath, renderFieldPath } from './field-path.ts';
import type { SourceDocument } from './source-document.ts';

/** A place the compiler may have to point at later, when the document itself is gone. */
export interface FieldPlace {
  /** In kubectl's spelling. */
  readonly path: string;
  readonly position?: SourcePosition;
}

/** Collects the findings about one object of a document. Paths are inside the object, whatever List holds it. */
export class ObjectReport {
  readonly diagnostics: Diagnostic[] = [];
  /** An error was reported: the object must not be used. */
  hasErrors = false;
  /** Named as soon as the object's kind and name are known. */
  object: ObjectRef | undefined;
  readonly #document: SourceDocument;
  readonly #base: FieldPath;

  constructor(document: SourceDocument, base: FieldPath) {
    this.#document = document;
    this.#base = base;
  }

  report(code: DiagnosticCode, path: FieldPath, message: string): void {
    const { severity } = DIAGNOSTIC_KINDS[code];
    if (severity === 'error') this.hasErrors = true;
    this.diagnostics.push({
      code,
      severity,
      message,
      ...(this.object !== undefined && { object: this.object }),
      ...(path.length > 0 && { path: renderFieldPath(path) }),
      position: this.position(path),
    });
  }

  position(path: FieldPath): SourcePosition {
    const { file } = this.#document;
    const found = this.#document.locate([...this.#base, ...path]);
    return found === undefined ? { file } : { file, line: found.line, column: found.column };
  }

  place(path: FieldPath): FieldPlace {
    return { path: renderFieldPath(path), position: this.position(path) };
  }
}
