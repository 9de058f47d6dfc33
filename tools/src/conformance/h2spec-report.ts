import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import type { SuiteResult } from './suite.ts';

/** Runs h2spec or h2specd, and resolves with what it printed, however it ended. */
export async function runForReport(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: timeoutMs });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await new Promise((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return output;
}

/**
 * Reads the report of h2spec or h2specd: its count and its list of failures. Throws when it has none, for then nothing was
 * tested.
 * @param least cases that must pass
 */
export function judgeReport(suite: string, output: string, least: number): SuiteResult {
  const text = stripVTControlCharacters(output);
  const [, tests, passed, skipped, failed] =
    /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(text)?.map(Number) ?? [];
  if (tests === undefined || passed === undefined) throw new Error(`${suite} did not finish:\n${text.slice(-2000)}`);
  const details = /Failures:\s*\n([^]*?)\n(?:Finished in|\d+ tests)/.exec(text)?.[1]?.trim();
  const summary = `${suite}: ${passed} of ${tests} passed, ${skipped ?? 0} skipped, ${failed ?? 0} failed`;
  return {
    summary: details === undefined ? summary : `${summary}\n${details}`,
    failures: passed < least ? [`${suite}: ${passed} cases passed, at least ${least} must`] : [],
  };
}
