import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of the kernel's tools; resolves whatever it says. Rejects when it is not there. */
export type RunTool = (command: string, args: readonly string[], input?: string) => Promise<ToolResult>;

/** The kernel did not take what was written, or a tool is missing. One sentence. */
export class ApplyError extends Error {
  override readonly name = 'ApplyError';
}

export const runTool: RunTool = async (command, args, input = '') => {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A tool that refuses its input may close it before it has read all.
  child.stdin.on('error', () => undefined).end(input);
  try {
    const [code]: unknown[] = await once(child, 'close');
    return { code: typeof code === 'number' ? code : 1, stdout, stderr };
  } catch (error) {
    throw new ApplyError(`${command} cannot be run: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** As {@link RunTool}, but an exit code other than 0 is an error. */
export async function mustRun(run: RunTool, command: string, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, input);
  if (code === 0) return stdout;
  const said = stderr
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .slice(0, 500);
  throw new ApplyError(`${[command, ...args].join(' ')} failed: ${said === '' ? `exit code ${code}` : said}`);
}
