import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Random } from '@steelyard/core/balance';
import type { Snapshot } from '@steelyard/core/model';
import { TestCaller } from '@steelyard/testkit';
import type { Logger } from '../../log.ts';
import { ClusterTable, type ServedCluster } from '../upstream/cluster-table.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { DownstreamConnection } from '../downstream/downstream-connection.ts';
import { createEngine } from './engine.ts';
import { IncomingSocket } from './incoming-socket.ts';
import type { ClusterReport } from '../metrics/cluster-report.ts';
import type { FaultReport } from '../metrics/metrics-faults.ts';
import type { EndpointReport } from '../metrics/metrics-report.ts';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { Router } from '../routing/router.ts';

/** A proxy whose time is the test's to set. */
export interface TimedBed {
  /** It takes callers' connections at this port of 127.0.0.1. */
  readonly port: number;
  readonly caller: TestCaller;
  /** Goes to this time, in milliseconds since the start, and ticks. */
  readonly tickAt: (now: number) => void;
  readonly endpoints: () => EndpointReport[];
  readonly clusters: () => ClusterReport[];
  /** What the log says, warnings and else. */
  readonly said: readonly string[];
  readonly update: (snapshot: Snapshot) => void;
  /** As at the end of a process. */
  readonly drain: () => void;
  /** Retries of a cluster that have a place in its budget, and once more those that wait. */
  readonly retries: (cluster: string) => number;
  /** Calls that stand in line for room at a pod. */
  readonly waiting: () => number;
  /** Pods that calls can go to now. */
  readonly room: () => number;
  /** Deadlines and alarms that are set. */
  readonly alarms: () => number;
  /** Connections to pods that were begun. */
  readonly attempts: () => number;
  /** Of those, the ones that an error ended. */
  readonly failures: () => number;
  /** What the engine has ended since a peer broke a rule. */
  readonly faults: () => FaultReport;
  /** Connections of callers that are open, and octets that are held for anybody. */
  readonly held: () => { readonly callers: number; readonly octets: number };
}

export async function startTimedBed(
  { current }: { readonly current: Snapshot },
  connections: ConnectionSettings = {},
  random: Random = () => 0.5,
): Promise<TimedBed> {
  let now = 0;
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  const log: Logger = { debug: note, info: note, warn: note, error: note, forComponent: () => log };
  const engine = createEngine({ connections, random, log, now: () => now });
  const clusters = new ClusterTable(current, engine, random);
  const router = new Router(current, clusters, { namespace: 'default', listenPort: 8000 }, random, engine.deadlines);
  const accepted = new Set<DownstreamConnection>();
  const { server, port } = await listening((socket) =>
    accepted.add(
      new DownstreamConnection(new IncomingSocket(socket, engine.readBuffer), router, engine, (closed) =>
        accepted.delete(closed),
      ),
    ),
  );
  const caller = new TestCaller(port);
  cleanUp.push(
    async () => clusters.close(),
    () => once(server.close(), 'close'),
    () => caller.close(),
  );
  const served = (): ServedCluster[] => clusters.reportClusters().flatMap(({ name }) => clusters.find(name) ?? []);
  const tickAt = (at: number): void => {
    now = at;
    engine.ticker.tick();
    engine.deadlines.advance();
  };
  return {
    port,
    caller,
    tickAt,
    endpoints: () => clusters.report(),
    clusters: () => clusters.reportClusters(),
    said,
    update: (snapshot) => {
      clusters.update(snapshot);
      router.update(snapshot);
    },
    drain: () => {
      for (const connection of accepted) connection.drain();
    },
    retries: (cluster) => {
      const { active = 0, waiting = 0 } = clusters.find(cluster)?.budget ?? {};
      return active + waiting;
    },
    waiting: () => served().reduce((sum, { line }) => sum + line.length, 0),
    room: () =>
      served()
        .flatMap(({ endpoints }) => endpoints)
        .filter(({ reachable }) => reachable).length,
    alarms: () => engine.deadlines.waiting,
    attempts: () => engine.upstream.opened,
    failures: () => engine.upstream.failed,
    faults: () => ({ downstream: engine.callerFaults.counts, upstream: engine.podFaults.counts }),
    held: () => ({
      callers: engine.downstream.opened - engine.downstream.closed,
      octets: engine.memory.budget.used,
    }),
  };
}

export async function listening(
  onSocket: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ allowHalfOpen: true }, onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}
