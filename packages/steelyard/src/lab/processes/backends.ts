import type { Endpoint } from '@steelyard/core/model';
import type { SocketAddress } from '../../net-address.ts';
import type { LabChild } from './child-process.ts';
import { ChildFailure, startChild } from './child-process.ts';
import type { Cleanup } from '../../cleanup.ts';
import { LabError } from '../lab-error.ts';
import { podKey } from '../lab-target.ts';
import { planLoopback } from './loopback.ts';

/** The pods of the experiment, running. */
export interface Backends {
  /** Where each pod really listens, by its `ip:port` in the manifests. */
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  /** All on one port: what the headless way needs. */
  readonly onePort: boolean;
}

export interface RunningBackends extends Backends {
  /** Ends one as a Pod ends upon SIGTERM, by its `ip:port` in the manifests. */
  drain(key: string): Promise<void>;
}

/** A process a pod: more would say more about this machine's memory than about balancing. */
const MAX_PODS = 32;
const STARTED_AT_ONCE = 4;
const ATTEMPTS = 3;

/** Starts one gRPC server process per pod on loopback; they end with `cleanup`. */
export async function startBackends(pods: readonly Endpoint[], cleanup: Cleanup): Promise<RunningBackends> {
  if (pods.length > MAX_PODS) {
    throw new LabError(
      `${pods.length} pods: the lab runs one process per pod, at most ${MAX_PODS}; use fewer endpoints`,
    );
  }
  let preferredPort = pods[0]?.port ?? 0;
  for (let attempt = 1; ; attempt += 1) {
    const plan = await planLoopback(pods, preferredPort);
    const children = new Map<string, LabChild>();
    cleanup.defer(() => stopAll(children));
    try {
      const addresses = await startAll(pods, plan.addresses, children);
      return { addresses, onePort: plan.onePort, drain: (key) => drain(children.get(key)) };
    } catch (error) {
      // Somebody took the port between our look and the bind: stop, look again.
      if (!(error instanceof ChildFailure && error.code === 'EADDRINUSE') || attempt === ATTEMPTS) throw error;
      await stopAll(children);
      preferredPort = 0;
    }
  }
}

async function startAll(
  pods: readonly Endpoint[],
  places: ReadonlyMap<string, SocketAddress>,
  children: Map<string, LabChild>,
): Promise<Map<string, SocketAddress>> {
  const addresses = new Map<string, SocketAddress>();
  const waiting = [...pods];
  const startNext = async (): Promise<void> => {
    for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) {
      const key = podKey(pod);
      const child = startChild({ module: './backend-main.js', name: `the process of pod ${pod.podName ?? key}` });
      children.set(key, child);
      const listen = places.get(key) ?? { host: '127.0.0.1', port: 0 };
      const start = { kind: 'start-backend', pod: pod.podName ?? key, address: key, listen } as const;
      addresses.set(key, (await child.ask(start, 'listening')).address);
    }
  };
  const starters = await Promise.allSettled(Array.from({ length: STARTED_AT_ONCE }, startNext));
  const failed = starters.find((starter) => starter.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return addresses;
}

async function drain(child: LabChild | undefined): Promise<void> {
  await child?.ask({ kind: 'drain-backend' }, 'drained');
  await child?.stop();
}

async function stopAll(children: ReadonlyMap<string, LabChild>): Promise<void> {
  await Promise.all([...children.values()].map((child) => child.stop()));
}
