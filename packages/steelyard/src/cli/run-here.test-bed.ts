// Runs a command in the process of the test, where what is tested is its answer and not its process.
import type { CliResult } from './cli.test-bed.ts';
import { runProgram } from './run-program.ts';

export async function runHere(...args: readonly string[]): Promise<CliResult> {
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({
    write: (text: string): void => void (said[name] += text),
    isTerminal: false,
    hasColors: false,
  });
  let code = 0;
  await runProgram(['node', 'steelyard', ...args], {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    setExitCode: (wanted) => (code = wanted),
  });
  return { code, ...said };
}
