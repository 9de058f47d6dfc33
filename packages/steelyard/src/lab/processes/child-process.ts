import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LabMessage } from './messages.ts';
import { isMessage } from './messages.ts';

/** A process that told us it cannot do its work, or ended before it had. */
export class ChildFailure extends Error {
  override readonly name = 'ChildFailure';
  /** The system's code (`EADDRINUSE`), when the child gave one. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

export interface ChildOptions {
  /** Compiled module beside this one: `backend-main.js`. */
  readonly module: string;
  /** For error messages: `the proxy`. */
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A process whose network namespace it starts in; absent: ours. */
  readonly networkOf?: number | undefined;
}

/** One process of the experiment. It ends when its channel to us closes, so even our own crash leaves none behind. */
export interface LabChild {
  /**
   * Sends a message and waits for the answer of the given kind; messages of other kinds go to `onOther`.
   * One at a time. Throws {@link ChildFailure} when the child fails or ends instead.
   */
  ask<K extends LabMessage['kind']>(
    message: LabMessage,
    answer: K,
    onOther?: (message: unknown) => void,
  ): Promise<Extract<LabMessage, { kind: K }>>;
  stop(): Promise<void>;
}

/** A child that does not leave within this time after its channel closed is killed. */
const GRACE_MS = 2000;

export function startChild(options: ChildOptions): LabChild {
  const child = fork(fileURLToPath(new URL(options.module, import.meta.url)), [], {
    // Maps and shared references survive, which JSON would lose.
    serialization: 'advanced',
    // Not the parent's --inspect and the like: ports would collide.
    execArgv: [],
    // nsenter becomes the program, and keeps the channel to us.
    ...(options.networkOf !== undefined && {
      execPath: 'nsenter',
      execArgv: ['-t', `${options.networkOf}`, '-n', process.execPath],
    }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  // A child that cannot even be started emits `error` instead of `exit`; `ask` reports it.
  exited.catch(() => undefined);

  return {
    ask(message, answer, onOther) {
      return new Promise((resolve, reject) => {
        const finish = (settle: () => void): void => {
          child.off('message', onMessage).off('exit', onExit).off('error', onError);
          settle();
        };
        const onMessage = (received: unknown): void => {
          if (isMessage(received, answer)) finish(() => resolve(received));
          else if (isMessage(received, 'failed')) {
            finish(() => reject(new ChildFailure(`${options.name}: ${received.message}`, received.code)));
          } else onOther?.(received);
        };
        const onExit = (code: number | null, signal: string | null): void =>
          finish(() => reject(new ChildFailure(`${options.name} ended early (${signal ?? `exit code ${code}`})`)));
        const onError = (error: Error): void =>
          finish(() => reject(new ChildFailure(`${options.name}: ${error.message}`)));
        if (!child.connected) {
          onExit(child.exitCode, child.signalCode);
          return;
        }
        child.on('message', onMessage).on('exit', onExit).on('error', onError);
        child.send(message, (error) => {
          if (error !== null) onError(error);
        });
      });
    },
    async stop(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      if (child.connected) child.disconnect();
      const killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await exited.catch(() => undefined);
      clearTimeout(killer);
    },
  };
}
