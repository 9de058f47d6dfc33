import { Metadata } from '@grpc/grpc-js';
import { chiSquareTest, DEFAULT_LATENCY, DEFAULT_WEIGHTED_ROUND_ROBIN } from '@steelyard/core/balance';
import { balance, serviceConfigFor } from '@steelyard/grpc-js';
import { openCaller, runCalls, until, type ServiceConfig } from './caller.ts';
import { loopbackAddresses, resolveTo } from './manual-resolver.ts';
import type { Row } from './row.ts';

const PODS = 5;
const CALLS = 100_000;
const CONCURRENCY = 50;
const KEYS = 10_000;

/** What the pods of this experiment report, in their order; the last two are newcomers that have reported nothing. */
export const CAPACITIES: readonly (number | undefined)[] = [400, 200, 200, undefined, undefined];

const EQUAL = CAPACITIES.map(() => 1);
/** Without a weight it is the mean of those that have one (gRFC A58). */
const BY_CAPACITY = CAPACITIES.map((capacity) => capacity ?? 800 / 3);

const parse = (serviceConfig: string): ServiceConfig => JSON.parse(serviceConfig);
const WEIGHTED = { ...DEFAULT_WEIGHTED_ROUND_ROBIN, blackoutPeriodMs: 0, weightUpdatePeriodMs: 100 };
const RING = { kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'header', name: 'x-user' } } as const;

const SUBJECTS: readonly (readonly [string, ServiceConfig, readonly number[]])[] = [
  ['steelyard_round_robin', parse(serviceConfigFor({ kind: 'ROUND_ROBIN' })), EQUAL],
  ['steelyard_random', parse(serviceConfigFor({ kind: 'RANDOM' })), EQUAL],
  ['steelyard_least_request', parse(serviceConfigFor({ kind: 'LEAST_REQUEST', choiceCount: 2 })), EQUAL],
  ['steelyard_peak_ewma', parse(serviceConfigFor({ kind: 'PEAK_EWMA', latency: DEFAULT_LATENCY })), []],
  [
    'steelyard_weighted_round_robin',
    parse(serviceConfigFor({ kind: 'WEIGHTED_ROUND_ROBIN', options: WEIGHTED })),
    BY_CAPACITY,
  ],
  ['steelyard_ring_hash', parse(serviceConfigFor(RING)), []],
];

/**
 * The shares of the pods over 100,000 calls, and whether they fit what the policy promises. Of peak-EWMA and ring hash nothing is
 * promised exactly (latencies differ; a ring's parts are unequal), their shares are shown.
 */
export async function measureShares(port: number, _rounds: number, say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [subject, config, expected] of SUBJECTS) {
    const name = `shares ${subject}`;
    resolveTo(name, loopbackAddresses(PODS, port));
    const caller = openCaller(name, config);
    const endpoints = (): ReturnType<typeof balance>[number]['endpoints'] =>
      balance().find(({ policy }) => policy === subject)?.endpoints ?? [];
    await until(() => endpoints().filter(({ connected }) => connected).length === PODS, `${name}: ${PODS} connections`);
    // Until there are weights.
    for (let warm = 0; warm < 10; warm++) {
      await runCalls(caller, 200, CONCURRENCY);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const before = endpoints().map(({ calls }) => calls);
    let key = 0;
    const withKey = (): Metadata => {
      const metadata = new Metadata();
      metadata.set('x-user', `user-${key++ % KEYS}`);
      return metadata;
    };
    const failed = await runCalls(caller, CALLS, CONCURRENCY, subject.endsWith('hash') ? withKey : undefined);
    if (failed > 0) throw new Error(`${name}: ${failed} of ${CALLS} calls failed`);
    const counts = endpoints().map(({ calls }, index) => calls - (before[index] ?? 0));
    const percent = Object.fromEntries(counts.map((calls, index) => [`pod${index + 1}Percent`, (100 * calls) / CALLS]));
    const fit = expected.length === 0 ? {} : { pValue: chiSquareTest(counts, expected).pValue };
    rows.push({ experiment: 'shares', subject, figures: { ...percent, ...fit } });
    caller.client.close();
    say(name);
  }
  return rows;
}
