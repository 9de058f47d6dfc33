import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Not in version control. */
const RESULTS = resolve(import.meta.dirname, '..', 'results');

/**
 * Writes a report as JSON, named by its suite and date. Returns the path.
 *
 * @param date ISO 8601
 */
export function keepReport(suite: string, report: unknown, date: string, folder: string = RESULTS): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${suite}-${date.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, renderJson(report));
  return file;
}

export function renderJson(report: unknown): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
