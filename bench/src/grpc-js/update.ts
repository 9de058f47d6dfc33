import { balance, serviceConfigFor } from '@steelyard/grpc-js';
import { openCaller, until, type ServiceConfig } from './caller.ts';
import { loopbackAddresses, resolveTo } from './manual-resolver.ts';
import { median } from '../statistics.ts';
import type { Row } from './row.ts';

const ENDPOINTS = 1000;
const CHANGES = 21;
/** Above what is connected after the change: grpc-js keeps what it no longer needs for up to 10 s. */
const SETTLE_MS = 300;

/**
 * Of a thousand endpoints one changes: for how long is the caller's event loop held, by the update itself and by all that it
 * sets off, and how many connections are dialled?
 */
export async function measureUpdate(port: number, _rounds: number, say: (text: string) => void): Promise<Row[]> {
  const subjects: readonly (readonly [string, ServiceConfig])[] = [
    ['steelyard_round_robin', JSON.parse(serviceConfigFor({ kind: 'ROUND_ROBIN' }))],
    ['round_robin', { loadBalancingConfig: [{ round_robin: {} }] }],
  ];
  const rows: Row[] = [];
  for (const [subject, config] of subjects) {
    const probe = openCaller(`probe-${subject}`, { loadBalancingConfig: [{ pick_first: {} }] });
    resolveTo(`probe-${subject}`, loopbackAddresses(1, port, 8));
    const before = await probe.connections();
    const endpoints = [...loopbackAddresses(ENDPOINTS, port)];
    resolveTo(subject, endpoints);
    const caller = openCaller(subject, config);
    await until(async () => (await probe.connections()) - before >= ENDPOINTS, `${subject}: ${ENDPOINTS} connections`);
    const [heldMs, cpuMs, dialled]: [number[], number[], number[]] = [[], [], []];
    for (let change = 0; change < CHANGES; change++) {
      const replacement = loopbackAddresses(1, port, 32 + change)[0];
      if (replacement !== undefined) endpoints[change * 40] = replacement;
      const was = await probe.connections();
      await pause(SETTLE_MS);
      const start = performance.eventLoopUtilization();
      const cpu = process.cpuUsage();
      resolveTo(subject, [...endpoints]);
      await pause(SETTLE_MS);
      heldMs.push(performance.eventLoopUtilization(start).active);
      const { user, system } = process.cpuUsage(cpu);
      cpuMs.push((user + system) / 1000);
      dialled.push((await probe.connections()) - was);
      say(`update: ${subject}, change ${change + 1} of ${CHANGES}`);
    }
    caller.client.close();
    probe.client.close();
    rows.push({
      experiment: 'update',
      subject,
      figures: {
        endpoints: ENDPOINTS,
        // While the process is not let run it holds nobody up, and what other threads do neither: it is the lesser of both.
        heldMs: Math.min(median(heldMs), median(cpuMs)),
        connectionsDialled: median(dialled),
      },
    });
  }
  return rows;
}

/** How many of the 5,000 are connected to, and what the caller's memory has grown by over one connection of grpc-js. */
export async function measureSubset(port: number, _rounds: number, say: (text: string) => void): Promise<Row[]> {
  const SUBSET_ENDPOINTS = 5000;
  const SUBSET = 20;
  const plain = openCaller('plain', { loadBalancingConfig: [{ pick_first: {} }] });
  resolveTo('plain', loopbackAddresses(1, port, 8));
  const before = await plain.connections();
  const memory = (): number => {
    globalThis.gc?.();
    return process.memoryUsage().rss;
  };
  const memoryBefore = memory();
  const endpoints = loopbackAddresses(SUBSET_ENDPOINTS, port);
  resolveTo('subset', endpoints);
  const policy = serviceConfigFor({ kind: 'LEAST_REQUEST', choiceCount: 2 }, { subsetSize: SUBSET });
  const caller = openCaller('subset', JSON.parse(policy));
  const connected = (): number =>
    balance().reduce((sum, channel) => sum + channel.endpoints.filter((each) => each.connected).length, 0);
  await until(() => connected() === SUBSET, `${SUBSET} connections`);
  const heldMs: number[] = [];
  for (let change = 0; change < 10; change++) {
    const start = performance.eventLoopUtilization();
    resolveTo(
      'subset',
      endpoints.filter((_, index) => index % 500 !== change),
    );
    await pause(100);
    heldMs.push(performance.eventLoopUtilization(start).active);
  }
  await until(() => connected() === SUBSET, `${SUBSET} connections`);
  say('subset: measured');
  const figures = {
    endpoints: SUBSET_ENDPOINTS,
    connections: (await plain.connections()) - before,
    memoryMiB: (memory() - memoryBefore) / 2 ** 20,
    heldMs: median(heldMs),
  };
  caller.client.close();
  plain.client.close();
  return [{ experiment: 'subset', subject: 'steelyard_least_request', figures }];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
