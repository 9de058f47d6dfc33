import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isProxyReport, type ProxyReport } from './report.ts';

/** The default is not in version control. */
const RESULTS = resolve(import.meta.dirname, '..', '..', '..', 'results');

/** Returns the path. */
export function keepReport(report: ProxyReport, folder: string = RESULTS): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `proxy-${report.date.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, renderJson(report));
  return file;
}

/** Throws when the file is not a report of this version of the benchmark. */
export function readReport(file: string): ProxyReport {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (isProxyReport(value)) return value;
  throw new Error(`${file}: is not a report of this benchmark`);
}

export function renderJson(report: ProxyReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
