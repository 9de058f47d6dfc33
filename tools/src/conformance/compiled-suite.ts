import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One compiled test file that runs against something real when its environment says so. */
export interface CompiledSuite {
  /** Below the `dist` of packages/steelyard. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CompiledResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly output: string;
}

const TIMEOUT_MS = 600_000;

/** Runs it with node's test runner and counts. */
export async function runCompiledSuite({ file, env }: CompiledSuite): Promise<CompiledResult> {
  const path = fileURLToPath(new URL(`../../../packages/steelyard/dist/${file}`, import.meta.url));
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', path], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await new Promise((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? Number.NaN);
  const [passed, failed, cancelled, skipped] = [count('pass'), count('fail'), count('cancelled'), count('skipped')];
  if (Number.isNaN(passed)) throw new Error(`${file} did not finish:\n${output.slice(-2000)}`);
  return { passed, failed: failed + cancelled, skipped, output };
}
