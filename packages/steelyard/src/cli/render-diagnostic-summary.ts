import type { Diagnostic, Severity } from '@steelyard/core/model';

/** `1 error and 2 warnings in the manifests: …`; empty when there is nothing to say. */
export function renderDiagnosticSummary(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity): number => diagnostics.filter((each) => each.severity === severity).length;
  const counts = [
    counted(count('error'), 'error'),
    counted(count('warning'), 'warning'),
    counted(count('info'), 'note'),
  ].filter((text) => text !== '');
  if (counts.length === 0) return '';
  const last = counts.pop() ?? '';
  const all = counts.length === 0 ? last : `${counts.join(', ')} and ${last}`;
  return `${all} in the manifests${count('error') > 0 ? '; what has an error is not used' : ''}`;
}

function counted(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}
