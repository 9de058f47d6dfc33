import { spawn, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { planCalls, type CallPlan } from '../interop/call-plan.ts';
import { connectThrough, runCalls, waitingCalls } from '../interop/run-calls.ts';
import { AUTHORITY, freePort, startProcess, startSubject, type StartedProcess } from '../peers/index.ts';
import type { Caller, SuiteOptions, SuiteResult } from './suite.ts';

const client = resolve(import.meta.dirname, '..', '..', 'interop', 'client.py');
/** The interpreter that has grpcio. */
const python = process.env['PYTHON'] ?? 'python3';
/** Failures that are shown; one cause tends to have many. */
const SHOWN = 20;
/** How long a cancellation may take to reach the backend. */
const SETTLE_MS = 5000;

/** Calls of all kinds through the proxy from independent clients, every byte and every metadata value checked. */
export async function grpcInterop(options: SuiteOptions): Promise<SuiteResult> {
  if (options.callers.includes('python') && spawnSync(python, ['-c', 'import grpc']).status !== 0) {
    throw new Error(`${python} cannot import grpc: pip install grpcio, and name the interpreter in PYTHON`);
  }
  const backend = await startInteropBackend();
  const subject = await startSubject(options.subject, backend.port);
  const failures: string[] = [];
  try {
    for (const [index, caller] of options.callers.entries()) {
      const plans = planCalls(Math.ceil(options.calls / options.callers.length), options.seed + index);
      const startedAt = Date.now();
      const failed =
        caller === 'grpc-js'
          ? await runCalls(subject.port, plans, progress(caller, plans.length, options))
          : await runPython(subject.port, plans);
      const seconds = (Date.now() - startedAt) / 1000;
      options.say(`${caller}: ${plans.length} calls in ${seconds.toFixed(1)} s, ${failed.length} failed`);
      failures.push(...failed.map((failure) => `${caller}: ${failure}`));
    }
    failures.push(...(await forgottenCalls(subject.port)));
  } finally {
    await subject.stop();
    await backend.process.stop();
  }
  return {
    summary: `grpc-interop: ${options.calls} calls from ${options.callers.join(' and ')}, ${failures.length} failed`,
    failures: failures.length > SHOWN ? [...failures.slice(0, SHOWN), `and ${failures.length - SHOWN} more`] : failures,
  };
}

export async function startInteropBackend(): Promise<{ port: number; process: StartedProcess }> {
  const port = await freePort();
  const program = join(import.meta.dirname, '..', 'interop', 'backend-main.js');
  return { port, process: await startProcess('backend', process.execPath, [program, String(port)], port) };
}

function progress(caller: Caller, total: number, { say }: SuiteOptions): (done: number) => void {
  const step = Math.max(1, Math.ceil(total / 5));
  return (done) => {
    if (done % step === 0) say(`${caller}: ${done} of ${total}`);
  };
}

async function runPython(port: number, plans: readonly CallPlan[]): Promise<string[]> {
  const child = spawn(python, [client, String(port), AUTHORITY], { stdio: ['pipe', 'pipe', 'inherit'] });
  const leave = (): void => void child.kill('SIGKILL');
  process.once('exit', leave);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  // A client that ends early says so by its exit code; the broken pipe adds nothing.
  child.stdin.on('error', () => undefined);
  child.stdin.end(plans.map((plan) => `${JSON.stringify(plan)}\n`).join(''));
  const code = await new Promise<number | null>((settle, reject) => {
    child.once('error', reject).once('close', settle);
  });
  process.removeListener('exit', leave);
  const lines = output.split('\n').filter((line) => line !== '');
  if (code !== 0 || lines.at(-1) !== `done ${plans.length}`) {
    throw new Error(`client.py exited with ${code}: ${lines.slice(-3).join(' | ')}`);
  }
  return lines.slice(0, -1);
}

/** Calls that their callers gave up must end at the backend too. */
async function forgottenCalls(port: number): Promise<string[]> {
  const asking = connectThrough(port);
  try {
    const deadline = Date.now() + SETTLE_MS;
    for (;;) {
      const waiting = await waitingCalls(asking);
      if (waiting === 0) return [];
      if (Date.now() > deadline) {
        return [`the backend still serves ${waiting} calls that were cancelled or past their deadline`];
      }
      await sleep(100);
    }
  } finally {
    asking.close();
  }
}
