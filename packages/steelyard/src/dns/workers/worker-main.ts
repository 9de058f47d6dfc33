// One of several processes that answer at the same sockets. The primary follows the cluster and tells what changed.
import { createWorkerLog } from '../../worker-log.ts';
import { DnsListenError } from '../server/dns-listen-error.ts';
import { createDnsFront, type DnsFront, type FrontSettings } from '../server/dns-front.ts';
import { Zone } from '../zone/zone.ts';
import { type FromWorker, isToWorker, type ToWorker } from './worker-messages.ts';

// Without the primary nobody tells what changes any more.
process.on('disconnect', () => process.exit(0));
// A terminal sends these to all processes at once; it is the primary who ends the work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let front: DnsFront | undefined;
let zone: Zone | undefined;
let ready = false;

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

const log = createWorkerLog(tell);

async function listen(settings: FrontSettings): Promise<void> {
  if (zone === undefined) return;
  try {
    front = await createDnsFront(settings, {
      zone,
      ready: () => ready,
      random: Math.random,
      log,
      onLoop: () => tell({ kind: 'looped' }),
    });
    tell({ kind: 'listening', port: front.port });
  } catch (error) {
    const code = error instanceof DnsListenError ? error.code : 'dns.listen-failed';
    tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
}

async function obey(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'start':
      zone = new Zone(message.zone, message.ttlSeconds);
      return undefined;
    case 'namespaces':
      zone?.setNamespaces(message.names);
      return undefined;
    case 'listen':
      return listen(message.settings);
    case 'zone':
      zone?.apply(message.change);
      ready = message.ready;
      return undefined;
    case 'report':
      if (front !== undefined) tell({ kind: 'report', report: front.report() });
      return undefined;
    case 'looped':
      front?.looped();
      return undefined;
    case 'close':
      await front?.close();
      return process.exit(0);
    default:
      message satisfies never;
      return undefined;
  }
}

process.on('message', (message: unknown) => {
  if (isToWorker(message)) void obey(message);
});
if (!process.connected) process.exit(0);
tell({ kind: 'up' });
