import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TestCaller, type TestSource } from '@steelyard/testkit';
import { ClusterTable } from '../upstream/cluster-table.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { DownstreamConnection } from '../downstream/downstream-connection.ts';
import { createEngine } from './engine.ts';
import type { EndpointReport } from '../metrics/metrics-report.ts';
import { cleanUp } from '../end-to-end/proxy.test-bed.ts';
import { Router } from '../routing/router.ts';

/** A proxy whose time is the test's to set. */
export interface TimedBed {
  readonly caller: TestCaller;
  /** Goes to this time, in milliseconds since the start, and ticks. */
  readonly tickAt: (now: number) => void;
  readonly endpoints: () => EndpointReport[];
  /** As at the end of a process. */
  readonly drain: () => void;
  /** Connections to pods that were begun. */
  readonly attempts: () => number;
}

export async function startTimedBed({ current }: TestSource, connections: ConnectionSettings = {}): Promise<TimedBed> {
  let now = 0;
  const random = (): number => 0.5;
  const engine = createEngine({ connections, random, now: () => now });
  const clusters = new ClusterTable(current, engine, random);
  const router = new Router(current, clusters, { namespace: 'default', listenPort: 8000 }, random, engine.deadlines);
  const accepted: DownstreamConnection[] = [];
  const { server, port } = await listening(
    (socket) => void accepted.push(new DownstreamConnection(socket, router, engine, () => undefined)),
  );
  const caller = new TestCaller(port);
  cleanUp.push(
    async () => clusters.close(),
    () => once(server.close(), 'close'),
    () => caller.close(),
  );
  const tickAt = (at: number): void => {
    now = at;
    engine.ticker.tick();
  };
  return {
    caller,
    tickAt,
    endpoints: () => clusters.report(),
    drain: () => {
      for (const connection of accepted) connection.drain();
    },
    attempts: () => engine.upstream.opened,
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
