import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Pin } from '../../cpus.ts';

/** A process of the benchmark that answers one request after the other over a channel. It ends with the one who started it. */
export interface ChannelProcess {
  /** What it says of its own accord when it has started, for those that do. */
  readonly greeting: Promise<unknown>;
  /** Rejects when it ends, or does not answer within `limitMs`: then it is killed. */
  request(message: object, limitMs: number): Promise<unknown>;
  stop(): Promise<void>;
}

/** `program` is a path from the folder above this one, as compiled. */
export function startChannelProcess(program: string, args: readonly string[], pin: Pin): ChannelProcess {
  const file = join(import.meta.dirname, '..', program);
  const [command = process.execPath, ...rest] = pin([process.execPath, file, ...args]);
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let failure: Error | undefined;
  const exited = new Promise<Error>((resolve) => {
    const end = (why: string): void => {
      failure ??= new Error(`${program}: ${why}`);
      resolve(failure);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(`exited with ${signal ?? code}`));
  });
  /** The next message from it. */
  const receive = (limitMs: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        failure ??= new Error(`${program}: no answer after ${Math.round(limitMs / 1000)} s`);
        child.kill('SIGKILL');
      }, limitMs);
      const onMessage = (message: unknown): void => {
        clearTimeout(limit);
        resolve(message);
      };
      child.once('message', onMessage);
      const onEnd = (why: Error): void => {
        clearTimeout(limit);
        child.removeListener('message', onMessage);
        reject(why);
      };
      void exited.then(onEnd);
    });
  const greeting = receive(15_000);
  // Not all who start one wait for it.
  greeting.catch(() => undefined);
  return {
    greeting,
    request(message, limitMs) {
      if (failure !== undefined) return Promise.reject(failure);
      const answer = receive(limitMs);
      child.send(message);
      return answer;
    },
    async stop() {
      if (failure !== undefined) return;
      child.kill('SIGTERM');
      await exited;
    },
  };
}
