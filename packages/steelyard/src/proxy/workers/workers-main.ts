// One of several processes of a proxy. It listens on nothing: the primary hands it the connections it accepted.
import { Socket } from 'node:net';
import { createWorkerLog } from '../../worker-log.ts';
import { AccessLog } from '../access-log/access-log.ts';
import { createFront, type Front } from '../proxy-front.ts';
import type { Entrance } from '../routing/entrance.ts';
import { type FromWorker, isToWorker, type StartWorker, type ToWorker } from './workers-messages.ts';
import { DeltaSource } from './workers-snapshot.ts';

const leave = (): void => process.exit(0);
// Without the primary there is nobody to serve for.
process.on('disconnect', leave);
// A terminal sends these to all processes at once; it is the primary who ends the work, in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let front: Front | undefined;
let source: DeltaSource | undefined;
let closed = 0;

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

const log = createWorkerLog(tell);

function start(message: StartWorker): void {
  const { snapshot, accessLog } = message;
  source = new DeltaSource(snapshot);
  front = createFront({
    ...message,
    snapshots: source,
    log,
    random: Math.random,
    accessLog:
      accessLog &&
      new AccessLog({
        selection: accessLog,
        write: (lines) => tell({ kind: 'access', lines }),
        now: Date.now,
        random: Math.random,
      }),
  });
  tell({ kind: 'ready' });
}

function onClosed(): void {
  closed++;
  if (closed > 1) return;
  setImmediate(() => {
    tell({ kind: 'closed', count: closed });
    closed = 0;
  });
}

function take(socket: unknown, entrance: Entrance): void {
  // It was closed on the way here.
  if (!(socket instanceof Socket) || front === undefined) {
    onClosed();
    return;
  }
  // As the primary's server would have had it; a socket that has changed process has lost it.
  socket.allowHalfOpen = true;
  front.accept(socket, entrance, onClosed);
}

async function obey(message: ToWorker, socket: unknown): Promise<void> {
  switch (message.kind) {
    case 'start':
      start(message);
      return;
    case 'snapshot':
      source?.apply(message.delta);
      return;
    case 'tls':
      front?.setTls(message.tls);
      return;
    case 'upstream-tls':
      front?.setUpstreamTls(message.tls);
      return;
    case 'connection':
      take(socket, message.entrance);
      return;
    case 'report':
      if (front !== undefined) tell({ kind: 'report', report: front.report() });
      return;
    case 'leaving':
      front?.leaving();
      return;
    case 'drain':
      await front?.drain(message.timeoutMs);
      if (front !== undefined) tell({ kind: 'drained', report: front.report() });
      return;
    default:
      message satisfies never;
  }
}

process.on('message', (message: unknown, socket: unknown) => {
  if (!isToWorker(message)) return;
  obey(message, socket).catch((error: unknown) => {
    // A worker that cannot start is of no use; one that runs goes on with what it had.
    if (message.kind === 'start') throw error;
    log.error(`a worker could not follow the message "${message.kind}"`, { error });
  });
});
if (!process.connected) leave();
