import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ApplyError, mustRun, type RunTool, runTool } from '../../netfilter/index.ts';
import { LabError } from '../lab-error.ts';

/** A network namespace without a name: it is there as long as a process is in it, and then the kernel removes all of it. */
export interface Namespace {
  /** Of a process in it, for nsenter(1). */
  readonly pid: number;
  /** Runs a tool in it. */
  readonly run: RunTool;
  /** As `run`, but an exit code other than 0 is an error. @throws LabError */
  mustRun(command: string, args: readonly string[], input?: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * Makes a network namespace. A shell in it waits for the end of its input, which comes when this process ends, however it
 * does: so nothing is left behind, not even by a kill -9.
 */
export async function holdNamespace(): Promise<Namespace> {
  // Ctrl-C reaches the whole process group; it is this process that ends the experiment, in order.
  const script = 'trap "" INT; echo held; read -r _';
  const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = once(holder, 'exit');
  exited.catch(() => undefined);
  holder.stdin.on('error', () => undefined);
  // Only what it says itself proves that it is in a namespace of its own by now.
  const said = await Promise.race([once(holder.stdout, 'data'), exited.catch(() => undefined)]);
  const { pid } = holder;
  if (pid === undefined || !String(said?.[0]).startsWith('held')) {
    throw new LabError('--kernel: no network namespace can be made here: run as root, outside of a sandbox');
  }
  const run: RunTool = (command, args, input) => runTool('nsenter', ['-t', `${pid}`, '-n', command, ...args], input);
  return {
    pid,
    run,
    async mustRun(command, args, input) {
      try {
        return await mustRun(run, command, args, input);
      } catch (error) {
        throw error instanceof ApplyError ? new LabError(`--kernel: ${error.message}`) : error;
      }
    },
    async close() {
      holder.stdin.end();
      await exited.catch(() => undefined);
    },
  };
}
