import type { Socket } from 'node:net';
import type { Snapshot } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import { mergeReports, EMPTY_REPORT, type ProxyReport, processUse, settleReport } from '../metrics/metrics-report.ts';
import type { ServingOptions } from '../proxy-options.ts';
import type { Acceptor } from '../proxy-acceptor.ts';
import type { Entrance } from '../routing/entrance.ts';
import type { StartWorker, ToWorker } from './workers-messages.ts';
import { WorkerProcess } from './workers-process.ts';
import { diffSnapshots } from './workers-snapshot.ts';

interface WorkersOptions extends ServingOptions {
  /** One that is certain to be used. */
  readonly entrance?: Entrance | undefined;
  /** At least 1. */
  readonly workers: number;
}

/** A worker process could not even start. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
}

/** A worker that ends sooner after its start than this has something wrong with it: the next one waits. */
const TOO_SOON_MS = 5000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;
/** Connections that wait for a worker, while there is none. */
const MOST_WAITING = 1024;
/** How much a worker has counted must not be lost when it crashes, but for the last moments; nor must it hang unnoticed. */
const CHECK_EVERY_MS = 5000;

/**
 * Starts the proxy over several processes. The primary accepts every connection and hands it to the process that has the
 * fewest: a hash of the addresses, as the kernel spreads them with SO_REUSEPORT, is uneven while they are few.
 */
export async function startWorkers(options: WorkersOptions): Promise<Acceptor> {
  const pool = new WorkerPool(options);
  try {
    await pool.start();
  } catch (error) {
    await pool.drain(0);
    throw error;
  }
  return {
    accept: (socket, entrance) => pool.dispatch(socket, entrance),
    get workers() {
      const workers = pool.ready.map(({ id, pid, connections }) => ({ id, pid, connections }));
      return { restarts: pool.restarts, hangs: pool.hangs, workers };
    },
    report: () => pool.report(),
    leaving: () => pool.leaving(),
    drain: (timeoutMs) => pool.drain(timeoutMs),
    close: () => pool.drain(0),
  };
}

class WorkerPool {
  readonly #options: WorkersOptions;
  readonly #log: Logger;
  readonly #workers = new Set<WorkerProcess>();
  readonly #unsubscribe: ((() => void) | undefined)[];
  readonly #checking: NodeJS.Timeout;
  readonly #restartTimers = new Set<NodeJS.Timeout>();
  /** What workers that have ended had counted. */
  #settled: ProxyReport = EMPTY_REPORT;
  #sent: Snapshot;
  #waiting: (readonly [Socket, Entrance])[] = [];
  #failures = 0;
  #draining = false;
  #leaving = false;
  #onReady: (() => void) | undefined = undefined;
  #onFailedStart: ((error: Error) => void) | undefined = undefined;
  restarts = 0;
  hangs = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#log = options.log.forComponent('proxy');
    this.#sent = options.snapshots.current;
    this.#unsubscribe = [
      options.snapshots.subscribe((snapshot) => this.#publish(snapshot)),
      options.tls?.subscribe((tls) => this.#sendAll({ kind: 'tls', tls })),
      options.upstreamTls?.subscribe((tls) => this.#sendAll({ kind: 'upstream-tls', tls })),
    ];
    this.#checking = setInterval(() => {
      for (const worker of this.#workers) worker.check();
    }, CHECK_EVERY_MS).unref();
  }

  /** Those that take connections. */
  get ready(): WorkerProcess[] {
    return [...this.#workers].filter(({ isReady, hangs }) => isReady && !hangs);
  }

  /** Resolves when all are ready; rejects when one ends before it is. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#onReady = () => {
        if (this.ready.length === this.#options.workers) resolve();
      };
      this.#onFailedStart = reject;
      for (let id = 1; id <= this.#options.workers; id++) this.#startOne(id);
    });
    this.#onReady = undefined;
    this.#onFailedStart = undefined;
  }

  dispatch(socket: Socket, entrance: Entrance): void {
    let least: WorkerProcess | undefined;
    for (const worker of this.#workers) if (worker.isReady && goesBefore(worker, least)) least = worker;
    if (least !== undefined) least.take(socket, entrance);
    else if (this.#draining || this.#waiting.length >= MOST_WAITING) socket.destroy();
    else this.#waiting.push([socket, entrance]);
  }

  async report(): Promise<ProxyReport> {
    const reports = await Promise.all(Array.from(this.#workers, (worker) => worker.report()));
    const accessLogDropped = this.#options.accessLog?.sink.dropped ?? 0;
    const own = { ...EMPTY_REPORT, accessLogDropped, ...processUse() };
    return mergeReports([own, this.#settled, ...reports.filter((report) => report !== undefined)]);
  }

  leaving(): void {
    this.#leaving = true;
    this.#sendAll({ kind: 'leaving' });
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe?.();
    clearInterval(this.#checking);
    for (const timer of this.#restartTimers) clearTimeout(timer);
    for (const [socket] of this.#waiting) socket.destroy();
    await Promise.all(Array.from(this.#workers, (worker) => worker.drain(timeoutMs)));
  }

  #publish(snapshot: Snapshot): void {
    this.#sendAll({ kind: 'snapshot', delta: diffSnapshots(this.#sent, snapshot) });
    this.#sent = snapshot;
  }

  #sendAll(message: ToWorker): void {
    for (const worker of this.#workers) worker.send(message);
  }

  #startOne(id: number): void {
    const { entrance, namespace, accessLog, tls, upstreamTls, connections } = this.#options;
    const start: StartWorker = {
      kind: 'start',
      snapshot: diffSnapshots(undefined, this.#sent),
      entrance,
      namespace,
      accessLog: accessLog?.selection,
      tls: tls?.current,
      upstreamTls: upstreamTls?.current,
      connections,
    };
    this.#workers.add(
      new WorkerProcess(
        id,
        {
          log: this.#options.log.forComponent('proxy'),
          access: (lines) => accessLog?.sink.write(lines),
          hangs: ({ id: which, connections: count }) => {
            this.hangs++;
            this.#log.error(`worker ${which} does not answer; it gets no more connections, and has ${count}`);
          },
          ready: (worker) => {
            if (this.#leaving) worker.send({ kind: 'leaving' });
            const waiting = this.#waiting;
            this.#waiting = [];
            for (const [socket, by] of waiting) this.dispatch(socket, by);
            this.#onReady?.();
          },
          ended: (worker, how) => this.#replace(worker, how),
        },
        start,
        this.#options.workerUser,
      ),
    );
  }

  #replace(worker: WorkerProcess, how: string): void {
    this.#workers.delete(worker);
    if (worker.lastReport !== undefined) this.#settled = mergeReports([this.#settled, settleReport(worker.lastReport)]);
    if (this.#draining) return;
    if (this.#onFailedStart !== undefined) {
      this.#onFailedStart(new WorkerError(`a worker process of the proxy ended before it was ready (${how})`));
      return;
    }
    this.restarts++;
    this.#failures = performance.now() - worker.startedAt < TOO_SOON_MS ? this.#failures + 1 : 0;
    const waitMs = this.#failures === 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failures - 1));
    this.#log.error(`worker ${worker.id} ended (${how}) with ${worker.connections} connections; it is replaced`);
    const timer = setTimeout(() => {
      this.#restartTimers.delete(timer);
      this.#startOne(worker.id);
    }, waitMs);
    this.#restartTimers.add(timer);
  }
}

/** Who does not answer is better than nobody: it may come to. */
function goesBefore(worker: WorkerProcess, other: WorkerProcess | undefined): boolean {
  if (other === undefined) return true;
  return worker.hangs === other.hangs ? worker.connections < other.connections : other.hangs;
}
