import { createServer, type Socket } from 'node:net';
import type { Snapshot } from '@steelyard/core/model';
import { listenOn } from '../../listen-on.ts';
import type { Logger } from '../../log.ts';
import { mergeReports, EMPTY_REPORT, type ProxyReport, processUse, settleReport } from '../metrics/metrics-report.ts';
import type { Proxy, ProxyOptions } from '../proxy-options.ts';
import type { StartWorker, ToWorker } from './workers-messages.ts';
import { WorkerProcess } from './workers-process.ts';
import { diffSnapshots } from './workers-snapshot.ts';

interface WorkersOptions extends ProxyOptions {
  /** At least 2; one process needs none of this. */
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
/** How much a worker has counted must not be lost when it crashes, but for the last moments. */
const REPORT_EVERY_MS = 5000;

/**
 * Starts the proxy over several processes. The primary accepts every connection and hands it to the process that has the
 * fewest: a hash of the addresses, as the kernel spreads them with SO_REUSEPORT, is uneven while they are few.
 * Rejects with the system's error when the address cannot be listened on.
 */
export async function startWorkers(options: WorkersOptions): Promise<Proxy> {
  // Not read before the worker has it; and what the peer has closed half is still to be answered.
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const address = await listenOn(server, options.listen);
  const pool = new WorkerPool(options, address.port);
  server.on('connection', (socket) => pool.dispatch(socket));
  try {
    await pool.start();
  } catch (error) {
    server.close();
    await pool.drain(0);
    throw error;
  }
  const drain = (timeoutMs: number): Promise<void> => {
    // Its callback would wait for the workers' connections, which they look after themselves.
    if (server.listening) server.close();
    return pool.drain(timeoutMs);
  };
  return {
    address,
    get workers() {
      const workers = pool.ready.map(({ id, pid, connections }) => ({ id, pid, connections }));
      return { restarts: pool.restarts, workers };
    },
    report: () => pool.report(),
    leaving: () => pool.leaving(),
    drain,
    close: () => drain(0),
  };
}

class WorkerPool {
  readonly #options: WorkersOptions;
  readonly #listenPort: number;
  readonly #log: Logger;
  readonly #workers = new Set<WorkerProcess>();
  readonly #unsubscribe: ((() => void) | undefined)[];
  readonly #reporting: NodeJS.Timeout;
  readonly #restartTimers = new Set<NodeJS.Timeout>();
  /** What workers that have ended had counted. */
  #settled: ProxyReport = EMPTY_REPORT;
  #sent: Snapshot;
  #waiting: Socket[] = [];
  #failures = 0;
  #draining = false;
  #leaving = false;
  #onReady: (() => void) | undefined = undefined;
  #onFailedStart: ((error: Error) => void) | undefined = undefined;
  restarts = 0;

  constructor(options: WorkersOptions, listenPort: number) {
    this.#options = options;
    this.#listenPort = listenPort;
    this.#log = options.log.forComponent('proxy');
    this.#sent = options.snapshots.current;
    this.#unsubscribe = [
      options.snapshots.subscribe((snapshot) => this.#publish(snapshot)),
      options.tls?.subscribe((tls) => this.#sendAll({ kind: 'tls', tls })),
      options.upstreamTls?.subscribe((tls) => this.#sendAll({ kind: 'upstream-tls', tls })),
    ];
    this.#reporting = setInterval(() => void this.report(), REPORT_EVERY_MS).unref();
  }

  /** Those that take connections. */
  get ready(): WorkerProcess[] {
    return [...this.#workers].filter(({ isReady }) => isReady);
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

  dispatch(socket: Socket): void {
    let least: WorkerProcess | undefined;
    for (const worker of this.#workers) {
      if (worker.isReady && (least === undefined || worker.connections < least.connections)) least = worker;
    }
    if (least !== undefined) least.take(socket);
    else if (this.#draining || this.#waiting.length >= MOST_WAITING) socket.destroy();
    else this.#waiting.push(socket);
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
    clearInterval(this.#reporting);
    for (const timer of this.#restartTimers) clearTimeout(timer);
    for (const socket of this.#waiting) socket.destroy();
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
    const { service, namespace, accessLog, tls, upstreamTls, connections } = this.#options;
    const start: StartWorker = {
      kind: 'start',
      snapshot: diffSnapshots(undefined, this.#sent),
      listenPort: this.#listenPort,
      service,
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
          ready: (worker) => {
            if (this.#leaving) worker.send({ kind: 'leaving' });
            const waiting = this.#waiting;
            this.#waiting = [];
            for (const socket of waiting) this.dispatch(socket);
            this.#onReady?.();
          },
          ended: (worker, how) => this.#replace(worker, how),
        },
        start,
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
