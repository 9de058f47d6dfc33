import { readFileSync } from 'node:fs';
import { isProxyReport, type ProxyReport } from './report.ts';

/** One that was kept. Throws when the file is not a report of this version of the benchmark. */
export function readReport(file: string): ProxyReport {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (isProxyReport(value)) return value;
  throw new Error(`${file}: is not a report of this benchmark`);
}
