import { serviceConfigFor } from '@steelyard/grpc-js';
import { openCaller, runCalls, type Caller, type ServiceConfig } from './caller.ts';
import { loopbackAddresses, resolveTo } from './manual-resolver.ts';
import { median } from '../statistics.ts';
import type { Row } from './row.ts';

const PODS = 5;
const CALLS = 2000;
const CONCURRENCY = 50;
const WARM_UP_CALLS = 20_000;

/**
 * CPU time of the caller per unary call: grpc-js's own round_robin beside our policies, over the same pods, in turns. One process,
 * so that what the machine does meanwhile, and what the compiler has made of the shared code, is the same for all.
 */
export async function measureCost(port: number, rounds: number, say: (text: string) => void): Promise<Row[]> {
  const subjects: readonly (readonly [string, ServiceConfig])[] = [
    ['round_robin', { loadBalancingConfig: [{ round_robin: {} }] }],
    ['steelyard_round_robin', JSON.parse(serviceConfigFor({ kind: 'ROUND_ROBIN' }))],
    ['steelyard_least_request', JSON.parse(serviceConfigFor({ kind: 'LEAST_REQUEST', choiceCount: 2 }))],
  ];
  const callers = new Map<string, Caller>();
  for (const [name, config] of subjects) {
    resolveTo(name, loopbackAddresses(PODS, port));
    callers.set(name, openCaller(name, config));
  }
  for (const caller of callers.values()) await runCalls(caller, WARM_UP_CALLS / 4, CONCURRENCY);
  for (const caller of callers.values()) await runCalls(caller, WARM_UP_CALLS, CONCURRENCY);
  const micros = new Map<string, number[]>(subjects.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Another one goes first each time: who goes first pays for the garbage of the one before.
    const order = [...subjects.slice(round % subjects.length), ...subjects.slice(0, round % subjects.length)];
    for (const [name] of order) {
      const caller = callers.get(name);
      if (caller === undefined) continue;
      globalThis.gc?.();
      const before = process.cpuUsage();
      const failed = await runCalls(caller, CALLS, CONCURRENCY);
      const { user, system } = process.cpuUsage(before);
      if (failed > 0) throw new Error(`${name}: ${failed} of ${CALLS} calls failed`);
      micros.get(name)?.push((user + system) / CALLS);
    }
    say(`cost: round ${round + 1} of ${rounds}`);
  }
  for (const { client } of callers.values()) client.close();
  const plain = micros.get('round_robin') ?? [];
  return subjects.map(([subject]) => {
    const own = micros.get(subject) ?? [];
    return {
      experiment: 'cost',
      subject,
      figures: {
        cpuMicrosPerCall: median(own),
        // Within a round: the speed of the machine drifts, what is measured close together compares best.
        ratioToRoundRobin: median(own.map((value, round) => value / (plain[round] ?? NaN))),
      },
    };
  });
}
