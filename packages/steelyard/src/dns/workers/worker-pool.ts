import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { ServiceEntry, SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import { writeWorkerLog } from '../../worker-log.ts';
import { DnsListenError } from '../server/dns-listen-error.ts';
import type { DnsReport } from '../server/dns-report.ts';
import type { FrontSettings } from '../server/dns-front.ts';
import type { NamespaceSource } from '../zone/zone.ts';
import { diffServices } from './service-view.ts';
import { isFromWorker, type ToWorker } from './worker-messages.ts';

export interface WorkerPoolOptions {
  readonly workers: number;
  readonly zone: string;
  readonly ttlSeconds: number;
  readonly settings: FrontSettings;
  readonly snapshots: SnapshotSource;
  readonly namespaces?: NamespaceSource;
  readonly ready: () => boolean;
  readonly log: Logger;
}

export interface WorkerPool {
  reports(): Promise<readonly DnsReport[]>;
  close(): Promise<void>;
}

const LEAVE_WITHIN_MS = 2000;
/** A worker that is busy for longer is left out, but for what it said last. */
const REPORT_WITHIN_MS = 1000;
/** A worker that ends sooner after its start has something wrong with it: the next one waits. */
const TOO_SOON_MS = 5000;
const LONGEST_WAIT_MS = 5000;
const READY_LOOK_MS = 100;

interface Member {
  readonly worker: Worker;
  readonly startedMs: number;
  listening: boolean;
  last: DnsReport | undefined;
  onReport: ((report: DnsReport) => void) | undefined;
}

/**
 * Processes that share one UDP and one TCP socket (node:cluster): the kernel gives each datagram to one that is free, which
 * spreads even the queries of a single sender. This process answers nothing; it follows the Snapshots.
 *
 * @throws DnsListenError when they cannot listen
 */
export async function startWorkerPool(options: WorkerPoolOptions): Promise<WorkerPool> {
  const { snapshots, log } = options;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('worker-main.js', import.meta.url)),
    args: [],
    execArgv: [],
    serialization: 'advanced',
  });
  // Workers accept for themselves: handing connections on is not worth it for one question each.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const forked = new Set<Worker>();
  /** Those of them that listen to messages. */
  const members = new Set<Member>();
  const settled: DnsReport[] = [];
  let sent: ReadonlyMap<string, ServiceEntry> = new Map();
  let wasReady = options.ready();
  let closing = false;
  let failures = 0;

  const publish = (): void => {
    const { current } = snapshots;
    const changes = diffServices(sent, current);
    sent = current.services;
    const isReady = options.ready();
    for (const [index, change] of changes.entries()) {
      const ready = index === changes.length - 1 ? isReady : wasReady;
      for (const { worker } of members) send(worker, { kind: 'zone', change, ready });
    }
    wasReady = isReady;
  };

  const replace = (member: Member, how: string): void => {
    members.delete(member);
    if (member.last !== undefined) settled.push(withoutGauges(member.last));
    if (closing) return;
    log.error(`a process that answers ended (${how}); it is replaced`);
    startAnother(performance.now() - member.startedMs < TOO_SOON_MS);
  };

  const startAnother = (soon: boolean): void => {
    failures = soon ? failures + 1 : 0;
    const waitMs = failures === 0 ? 0 : Math.min(LONGEST_WAIT_MS, 100 * 2 ** (failures - 1));
    setTimeout(() => {
      if (closing) return;
      startOne().catch((error: unknown) => {
        log.error(error instanceof Error ? error.message : String(error));
        if (!closing) startAnother(true);
      });
    }, waitMs);
  };

  const tellNamespaces = (to: Iterable<Member>): void => {
    if (options.namespaces === undefined) return;
    for (const { worker } of to) send(worker, { kind: 'namespaces', names: options.namespaces.current });
  };

  const begin = (member: Member): void => {
    const { zone, ttlSeconds, settings } = options;
    const { worker } = member;
    members.add(member);
    send(worker, { kind: 'start', zone, ttlSeconds });
    for (const change of diffServices(new Map(), { services: sent, version: snapshots.current.version })) {
      send(worker, { kind: 'zone', change, ready: wasReady });
    }
    tellNamespaces([member]);
    send(worker, { kind: 'listen', settings });
  };

  const startOne = async (): Promise<void> => {
    const worker = cluster.fork();
    forked.add(worker);
    const member: Member = {
      worker,
      startedMs: performance.now(),
      listening: false,
      last: undefined,
      onReport: undefined,
    };
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        if (!isFromWorker(message)) return;
        switch (message.kind) {
          case 'up':
            if (!closing) begin(member);
            break;
          case 'listening':
            member.listening = true;
            resolve();
            break;
          case 'failed':
            members.delete(member);
            worker.process.kill();
            reject(new DnsListenError(message.code, message.message));
            break;
          case 'report':
            member.last = message.report;
            member.onReport?.(message.report);
            break;
          case 'looped':
            for (const other of members) send(other.worker, { kind: 'looped' });
            break;
          case 'log':
            writeWorkerLog(log, message);
            break;
          default:
            message satisfies never;
        }
      });
      worker.once('exit', (code, signal) => {
        forked.delete(worker);
        const how = signal ?? `code ${code}`;
        // Of no account once it listens.
        reject(new Error(`a process that answers ended before it was ready (${how})`));
        if (!members.has(member)) return;
        if (member.listening) replace(member, how);
        else members.delete(member);
      });
    });
  };

  sent = snapshots.current.services;
  const unsubscribe = snapshots.subscribe(publish);
  const leaveNamespaces = options.namespaces?.subscribe(() => tellNamespaces(members));
  // A cluster without Services is whole, too, and publishes nothing.
  const looking = setInterval(() => {
    if (options.ready() && !wasReady) publish();
    if (wasReady) clearInterval(looking);
  }, READY_LOOK_MS);
  looking.unref();

  const close = async (): Promise<void> => {
    closing = true;
    unsubscribe();
    leaveNamespaces?.();
    clearInterval(looking);
    const up = new Set([...members].map(({ worker }) => worker));
    for (const worker of forked) if (!up.has(worker)) worker.process.kill('SIGKILL');
    await Promise.all([...up].map((worker) => leave(worker)));
  };
  try {
    await Promise.all(Array.from({ length: options.workers }, startOne));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async reports() {
      const reports = await Promise.all([...members].map((member) => reportOf(member)));
      return [...settled, ...reports.filter((report) => report !== undefined)];
    },
    close,
  };
}

function reportOf(member: Member): Promise<DnsReport | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(member.last), REPORT_WITHIN_MS);
    member.onReport = (report) => {
      clearTimeout(timer);
      resolve(report);
    };
    send(member.worker, { kind: 'report' });
  });
}

function leave(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), LEAVE_WITHIN_MS);
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    if (worker.isDead()) resolve();
    send(worker, { kind: 'close' });
  });
}

function send(worker: Worker, message: ToWorker): void {
  // It may be gone already; then it is replaced.
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** What a process that is gone had counted stays; what it had at hand is gone. */
function withoutGauges(report: DnsReport): DnsReport {
  const forwards = report.forwards.map((forward) => ({
    ...forward,
    cacheSizes: { success: 0, denial: 0 },
    upstreams: forward.upstreams.map((upstream) => ({ ...upstream, healthy: false })),
  }));
  return { ...report, forwards };
}
