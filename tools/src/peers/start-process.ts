import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, connect } from 'node:net';

/** How much of a process's output is kept to explain its failure. */
const KEPT_OUTPUT = 4096;
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;

export interface StartedProcess {
  readonly name: string;
  /** Leader of a process group of its own. */
  readonly pid: number;
  /** What it wrote last, standard output and error together. */
  output(): string;
  /** Its exit, however it comes about. */
  readonly exited: Promise<void>;
  /** Ends the whole group: asks first, then insists. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

// Nothing outlives the one who started it, also when that ends by an error or Ctrl-C.
process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

/**
 * Starts `command` and waits until it accepts connections on `port` of 127.0.0.1. Rejects with what it said when it exits
 * before, or takes longer than 15 s.
 */
export async function startProcess(
  name: string,
  command: string,
  args: readonly string[],
  port: number,
): Promise<StartedProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT);
    });
  }
  let failure: Error | undefined;
  const exited = new Promise<void>((resolve) => {
    const end = (why: Error): void => {
      failure ??= why;
      running.delete(child);
      resolve();
    };
    child.once('error', end);
    child.once('exit', (code, signal) => end(new Error(`exited with ${signal ?? code}`)));
  });

  const stop = async (): Promise<void> => {
    if (failure !== undefined) return;
    signalGroup(child, 'SIGTERM');
    const insist = setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(insist);
  };

  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (failure !== undefined) throw new Error(`${name}: ${failure.message}: ${output.trim()}`);
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`${name}: does not listen on port ${port} after ${START_TIMEOUT_MS / 1000} s: ${output.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  // Someone else may hold the port while the process has failed to get it.
  if (failure !== undefined) throw new Error(`${name}: ${failure.message}: ${output.trim()}`);
  if (child.pid === undefined) throw new Error(`${name}: has no process id`);
  return { name, pid: child.pid, output: () => output, exited, stop };
}

/** A TCP port of 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the group is gone already.
  }
}
