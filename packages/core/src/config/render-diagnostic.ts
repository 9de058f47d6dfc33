import type { Diagnostic, SourcePosition } from '../model/index.ts';
import { renderPrintable } from './printable.ts';

/** `FILE:LINE:COLUMN`, as far as known: compilers print places so, and editors jump to them. */
export function renderPosition({ file, line, column }: SourcePosition): string {
  if (line === undefined) return file;
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
}

/** One line: place, severity, object and field, message, code. What others have called their objects does no harm to a terminal. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { position, severity, object, path, message, code } = diagnostic;
  const place = position === undefined ? '' : `${renderPosition(position)}: `;
  const about = [object && `${object.kind} ${object.namespace}/${object.name}`, path].filter(Boolean).join(' ');
  return renderPrintable(`${place}${severity}: ${about === '' ? '' : `${about}: `}${message} [${code}]`);
}
