import { setTimeout as pause } from 'node:timers/promises';
import { createSeededRandom } from '@steelyard/core/balance';
import type { Endpoint, Snapshot, SnapshotSource } from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';
import { serviceConfigFor } from '@steelyard/grpc-js';
import { startDnsServer } from '../../dns/index.ts';
import type { Logger } from '../../log.ts';
import { formatAddress } from '../../net-address.ts';
import { LabError } from '../lab-error.ts';
import type { LabTarget, ServicePortTarget } from '../lab-target.ts';
import { podKey, usablePods } from '../lab-target.ts';
import type { RunningBackends } from '../processes/backends.ts';
import { startBackends } from '../processes/backends.ts';
import type { LabChild } from '../processes/child-process.ts';
import { startChild } from '../processes/child-process.ts';
import type { Cleanup } from '../../cleanup.ts';
import { createCleanup } from '../../cleanup.ts';
import { mapEndpoints } from '../processes/map-endpoints.ts';
import { TARGET_VARIABLE } from '../processes/messages.ts';
import type { LabProgress } from '../run-lab.ts';
import { headlessPolicy } from '../ways/headless-way.ts';
import { planScenario } from './scenario-plan.ts';
import type { CallerRecord, ScenarioCaller, ScenarioReport } from './scenario-report.ts';
import { reportCaller } from './scenario-report.ts';
import type { Scenario } from './scenario.ts';

export interface ScenarioOptions {
  readonly scenario: Scenario;
  readonly snapshot: Snapshot;
  readonly target: LabTarget;
  /** Of each caller. */
  readonly callsPerSecond: number;
  readonly seed: number;
  readonly progress: Pick<LabProgress, 'phase'>;
  readonly log: Logger;
  /** Ends it early: the run rejects with the signal's reason, everything that was started being ended first. */
  readonly signal: AbortSignal;
}

/** Answers of DNS are kept for so long: short, as nobody likes to watch for longer. */
const TTL_SECONDS = 2;

interface RunningCaller {
  readonly caller: ScenarioCaller;
  readonly policy: string;
  readonly child: LabChild;
}

/**
 * The headless way while pods come and go: our resolver and policy, and grpc-js as it comes, both at once over the same pods.
 *
 * @throws LabError when the manifests or the machine do not allow it
 */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioReport> {
  const cleanup = createCleanup();
  try {
    return await makeScenario(options, cleanup);
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    await cleanup.run();
  }
}

async function makeScenario(options: ScenarioOptions, cleanup: Cleanup): Promise<ScenarioReport> {
  const { scenario, target, snapshot, progress, callsPerSecond, seed, signal } = options;
  if (typeof target.headless === 'string') throw new LabError(`--scenario ${scenario}: ${target.headless}`);
  const { headless } = target;
  const plan = planScenario(scenario, usablePods(headless.port), TTL_SECONDS * 1000);
  progress.phase(`starting ${plan.old.length + plan.fresh.length} pods`);
  const backends = await startBackends([...plan.old, ...plan.fresh], cleanup);
  if (!backends.onePort) {
    throw new LabError(`--scenario ${scenario}: a DNS answer has no port, and here every pod has another`);
  }
  const named = new ChangingSnapshot(namePods(snapshot, headless, plan.old, backends));
  const dns = await startDnsServer({
    snapshots: named,
    listen: { host: '127.0.0.1', port: 0 },
    zone: snapshot.clusterDomain,
    ttlSeconds: TTL_SECONDS,
    random: createSeededRandom(seed + 1),
    log: options.log,
  });
  cleanup.defer(() => dns.close());

  const { service } = headless.entry;
  const host = `${service.name}.${service.namespace}.svc.${snapshot.clusterDomain}`;
  const podPort = backends.addresses.get(podKey(plan.old[0] ?? { address: '', port: 0 }))?.port ?? 0;
  const place = `${formatAddress(dns.address)}/${host}.:${podPort}`;
  const { policy } = headlessPolicy({ snapshot, target }, host, headless.port.port.port);
  progress.phase(`${scenario}: both callers connect`);
  const callers = await Promise.all([
    startCaller('steelyard', policy.kind, `headless://${place}`, serviceConfigFor(policy), options, plan.old, cleanup),
    startCaller('grpc-js', 'round_robin', `dns://${place}`, PLAIN_CONFIG, options, plan.old, cleanup),
  ]);

  const now = (): number => performance.timeOrigin + performance.now();
  const startedMs = now();
  const addedMs = new Map<string, number>();
  const removed = new Set<string>();
  let pods = plan.old;
  for (const step of plan.steps) {
    await pause(Math.max(0, startedMs + step.atMs - now()), undefined, { signal });
    progress.phase(`${scenario}: ${step.added.length} pods come, ${step.removed.length} go`);
    pods = [...pods.filter((pod) => !step.removed.includes(pod)), ...step.added];
    named.change(namePods(snapshot, headless, pods, backends));
    for (const pod of step.added) addedMs.set(podKey(pod), now());
    for (const pod of step.removed) {
      removed.add(podKey(pod));
      // Not waited for: a caller that holds on to its connection must not hold the scenario up.
      backends.drain(podKey(pod)).catch(() => undefined);
    }
  }
  await pause(Math.max(0, startedMs + plan.durationMs - now()), undefined, { signal });
  const endedMs = now();
  progress.phase(`${scenario}: the last calls end`);
  const records = await Promise.all(
    callers.map(async ({ caller, policy: name, child }): Promise<CallerRecord> => {
      const seen = await child.ask({ kind: 'stop-calls' }, 'steady-done');
      const { old, fresh } = plan;
      const times = { startedMs, endedMs, addedMs, ttlMs: TTL_SECONDS * 1000 };
      return { ...seen, ...times, caller, policy: name, old, fresh, removed };
    }),
  );
  const names = (list: readonly Endpoint[]): string[] => list.map((pod) => pod.podName ?? podKey(pod));
  return {
    scenario,
    way: 'headless',
    service: serviceKey(service.namespace, service.name),
    ttlSeconds: TTL_SECONDS,
    callsPerSecond,
    seed,
    steps: plan.steps.map(({ atMs, added, removed: gone }) => ({ atMs, added: names(added), removed: names(gone) })),
    callers: records.map(reportCaller),
  };
}

const PLAIN_CONFIG = '{"loadBalancingConfig":[{"round_robin":{}}]}';

async function startCaller(
  caller: ScenarioCaller,
  policy: string,
  target: string,
  serviceConfig: string,
  { callsPerSecond, seed, signal }: ScenarioOptions,
  pods: readonly Endpoint[],
  cleanup: Cleanup,
): Promise<RunningCaller> {
  const child = startChild({
    module: '../scenario/steady-caller-main.js',
    name: `the caller with ${caller}`,
    // Only with the latter does grpc-js ask a DNS server of choice itself, instead of the system.
    env: { [TARGET_VARIABLE]: target, GRPC_NODE_USE_ALTERNATIVE_RESOLVER: 'true' },
  });
  const stop = (): void => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  cleanup.defer(async () => {
    signal.removeEventListener('abort', stop);
    await child.stop();
  });
  const drive = { perSecond: callsPerSecond, seed, awaitPods: pods.length, serviceConfig };
  await child.ask({ kind: 'drive-steadily', ...drive }, 'steady-begun');
  return { caller, policy, child };
}

/** The Snapshot with other pods behind the headless Service, each where it listens on this machine. */
function namePods(
  snapshot: Snapshot,
  { entry, port }: ServicePortTarget,
  pods: readonly Endpoint[],
  backends: RunningBackends,
): Snapshot {
  const ports = entry.ports.map((each) => (each === port ? { ...each, endpoints: pods } : each));
  const key = serviceKey(entry.service.namespace, entry.service.name);
  const changed = { ...snapshot, services: new Map(snapshot.services).set(key, { ...entry, ports }) };
  return mapEndpoints(changed, (endpoint) => backends.addresses.get(podKey(endpoint)));
}

class ChangingSnapshot implements SnapshotSource {
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  current: Snapshot;

  constructor(first: Snapshot) {
    this.current = first;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  change(next: Snapshot): void {
    this.current = next;
    for (const listener of this.#listeners) listener(next);
  }
}
