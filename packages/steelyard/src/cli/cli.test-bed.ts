// Runs the built command as its users do: a process of its own, its streams and its exit code.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export const LAUNCHER: string = fileURLToPath(new URL('../../bin/steelyard.js', import.meta.url));
export const EXAMPLE: string = fileURLToPath(new URL('../../../../examples/backend', import.meta.url));

const LIMIT_MS = 60_000;

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param env beside the environment of the tests. */
export async function runCli(
  args: readonly string[],
  stdin = '',
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { timeout: LIMIT_MS, env: { ...process.env, ...env } });
  const exited = once(child, 'close');
  child.stdin.on('error', () => undefined).end(stdin);
  const [stdout, stderr] = await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
  await exited;
  return { code: child.exitCode, stdout, stderr };
}

/** A command that stays until it is told to end. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves with all that was said so far on both streams once it matches; rejects if the command ends before. */
  said(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly text: string }>;
}

/** @param before a command that becomes the one which stands after it, as nsenter does. */
export function startCli(t: TestContext, args: readonly string[], before: readonly string[] = []): RunningCli {
  const [command = '', ...rest] = [...before, process.execPath, LAUNCHER, ...args];
  const child = spawn(command, rest, { timeout: LIMIT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      child.emit('said');
    });
  }
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, text }));
  return {
    child,
    ended,
    async said(pattern): Promise<string> {
      while (!pattern.test(text)) {
        const more = await Promise.race([once(child, 'said'), ended.then(() => undefined)]);
        if (more === undefined && !pattern.test(text)) throw new Error(`ended without ${String(pattern)}: ${text}`);
      }
      return text;
    },
  };
}

/** A folder with these files, gone after the test. */
export async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  return folder;
}
