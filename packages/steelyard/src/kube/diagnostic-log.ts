import { renderDiagnostic } from '@steelyard/core/config';
import type { Diagnostic } from '@steelyard/core/model';
import type { Logger } from '../log.ts';

/**
 * Logs what is new among the findings of one Snapshot after the other. The same finding at another line is not new; one
 * that was gone in between is.
 */
export function createDiagnosticLog(log: Logger): (diagnostics: readonly Diagnostic[]) => void {
  let known: ReadonlySet<string> = new Set();
  return (diagnostics) => {
    const next = new Set<string>();
    for (const diagnostic of diagnostics) {
      const key = keyOf(diagnostic);
      if (!known.has(key) && !next.has(key)) write(log, diagnostic);
      next.add(key);
    }
    known = next;
  };
}

function write(log: Logger, diagnostic: Diagnostic): void {
  const line = renderDiagnostic(diagnostic);
  switch (diagnostic.severity) {
    case 'error':
      log.error(line);
      break;
    case 'warning':
      log.warn(line);
      break;
    case 'info':
      log.info(line);
      break;
    default:
      diagnostic.severity satisfies never;
  }
}

function keyOf({ code, object, path, position, message }: Diagnostic): string {
  const file = position?.file ?? '';
  return JSON.stringify([code, file, object?.kind, object?.namespace, object?.name, path, message]);
}
