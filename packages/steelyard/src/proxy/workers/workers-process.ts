import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../../log.ts';
import { writeWorkerLog } from '../../worker-log.ts';
import type { ProxyReport } from '../metrics/metrics-report.ts';
import type { WorkerUser } from '../proxy-options.ts';
import type { Entrance } from '../routing/entrance.ts';
import { type FromWorker, isFromWorker, type StartWorker, type ToWorker } from './workers-messages.ts';

/** Who has worker processes. */
export interface WorkerOwner {
  readonly log: Logger;
  ready(worker: WorkerProcess): void;
  access(lines: string): void;
  /** It does not answer any more. */
  hangs(worker: WorkerProcess): void;
  /** The process is gone. */
  ended(worker: WorkerProcess, how: string): void;
}

/** A worker that does not leave within this time after it was told to is killed. */
const LEAVE_WITHIN_MS = 2000;
/** A worker that is busy for longer is reported with what it said last. */
const REPORT_WITHIN_MS = 1000;

/**
 * So many checks in a row that find no answer to the one before, and a worker is taken to hang; it is killed after more of them.
 * Checks are counted, not time: who has itself been stopped for a while must not blame its workers for it.
 */
const HANGS_AFTER = 3;
const KILLED_AFTER = 12;

/** A worker process, as the primary sees it. */
export class WorkerProcess {
  readonly id: number;
  readonly startedAt: number = performance.now();
  /** Connections it was given and has not said closed. */
  connections = 0;
  isReady = false;
  lastReport: ProxyReport | undefined = undefined;
  readonly #child: ChildProcess;
  readonly #owner: WorkerOwner;
  #gone = false;
  #asked = false;
  #missed = 0;
  readonly #reportWaiters: (() => void)[] = [];
  readonly #drainWaiters: (() => void)[] = [];

  constructor(id: number, owner: WorkerOwner, start: StartWorker, user?: WorkerUser) {
    this.id = id;
    this.#owner = owner;
    this.#child = fork(fileURLToPath(new URL('./workers-main.js', import.meta.url)), [], {
      // Maps and typed arrays survive, which JSON would lose.
      serialization: 'advanced',
      // Not the primary's --inspect and the like: ports would collide.
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...user,
    });
    this.#child.on('message', (message: unknown) => {
      if (isFromWorker(message)) this.#hear(message);
    });
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
    this.send(start);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** It has not answered for long. */
  get hangs(): boolean {
    return this.#missed >= HANGS_AFTER;
  }

  /** To be called every few seconds: asks whether it still answers. One that has not for very long is killed, and so replaced. */
  check(): void {
    if (!this.isReady || this.#gone) return;
    if (this.#asked) this.#miss();
    this.#asked = true;
    this.send({ kind: 'report' });
  }

  #miss(): void {
    this.#missed++;
    if (this.#missed === HANGS_AFTER) this.#owner.hangs(this);
    if (this.#missed === KILLED_AFTER) this.#child.kill('SIGKILL');
  }

  #answered(): void {
    if (this.hangs) this.#owner.log.warn(`worker ${this.id} answers again`);
    this.#asked = false;
    this.#missed = 0;
  }

  send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Hands over an accepted connection of which nothing has been read. */
  take(socket: Socket, entrance: Entrance): void {
    this.connections++;
    if (!this.#child.connected) {
      socket.destroy();
      return;
    }
    this.#child.send({ kind: 'connection', entrance } satisfies ToWorker, socket, { keepOpen: false }, (error) => {
      if (error !== null) socket.destroy();
    });
  }

  /** What it has counted so far; `undefined` if it has never told. */
  async report(): Promise<ProxyReport | undefined> {
    if (this.isReady && !this.#gone && !this.hangs) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REPORT_WITHIN_MS);
        this.#reportWaiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
        this.send({ kind: 'report' });
      });
    }
    return this.lastReport;
  }

  /** Resolves when it has closed its connections, by itself or after `timeoutMs`, and has left. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.isReady && !this.#gone) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs + LEAVE_WITHIN_MS);
        this.#drainWaiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
        this.send({ kind: 'drain', timeoutMs });
      });
    }
    await this.#leave();
  }

  async #leave(): Promise<void> {
    if (this.#gone) return;
    const exited = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    if (this.#child.connected) this.#child.disconnect();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), LEAVE_WITHIN_MS);
    await exited;
    clearTimeout(killer);
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.isReady = true;
        this.#owner.ready(this);
        return;
      case 'closed':
        this.connections -= message.count;
        return;
      case 'report':
        this.#answered();
        this.lastReport = message.report;
        this.#settle(this.#reportWaiters);
        return;
      case 'drained':
        this.lastReport = message.report;
        this.#settle(this.#drainWaiters);
        return;
      case 'access':
        this.#owner.access(message.lines);
        return;
      case 'log':
        writeWorkerLog(this.#owner.log, message, { worker: this.id });
        return;
      default:
        message satisfies never;
    }
  }

  #end(how: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.isReady = false;
    this.#settle(this.#reportWaiters);
    this.#settle(this.#drainWaiters);
    this.#owner.ended(this, how);
  }

  #settle(waiters: (() => void)[]): void {
    for (const resolve of waiters.splice(0)) resolve();
  }
}
