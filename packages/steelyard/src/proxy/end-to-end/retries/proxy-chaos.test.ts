import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { createSeededRandom, type Random } from '@steelyard/core/balance';
import { collect, echo, type PodBehaviour, type TestReply } from '@steelyard/testkit';
import { startTimedBed } from '../../transport/engine.test-bed.ts';
import { compileRules, startPods } from '../proxy-rules.test-bed.ts';
import { answersThenEnds, endsWith, hangs, http, resets, says, statusOf } from './scripted-pods.test-bed.ts';

const CALLS = 80;

const BEHAVIOURS: readonly PodBehaviour[] = [
  echo,
  echo,
  echo,
  says('OK'),
  says('UNAVAILABLE'),
  says('UNAVAILABLE', { 'grpc-retry-pushback-ms': '30' }),
  says('RESOURCE_EXHAUSTED', { 'grpc-retry-pushback-ms': '-1' }),
  says('NOT_FOUND'),
  endsWith('UNAVAILABLE'),
  endsWith('INTERNAL'),
  answersThenEnds('UNAVAILABLE'),
  http(503),
  resets(constants.NGHTTP2_REFUSED_STREAM),
  resets(constants.NGHTTP2_INTERNAL_ERROR),
  (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  (stream) => stream.session?.destroy(),
  hangs,
];

/** Each call that comes to a pod draws what happens to it. */
function moody(random: Random): PodBehaviour {
  return (stream, headers) => BEHAVIOURS[Math.floor(random() * BEHAVIOURS.length)]?.(stream, headers);
}

const ROUTE = {
  fault: { delay: { fixedDelay: '40ms', percentage: { value: 20 } } },
  mirrors: [{ destination: { host: 'backend' }, percentage: { value: 30 } }],
  retries: {
    attempts: 4,
    perTryTimeout: '300ms',
    backoff: '10ms',
    retryOn: 'unavailable,internal,reset,deadline-exceeded,resource-exhausted',
  },
  timeout: '3s',
  route: [{ destination: { host: 'backend' } }],
};

describe('whatever pods and callers do', () => {
  for (const [what, annotations] of [
    ['with retries', {}],
    ['with hedging', { 'steelyard.dev/hedging': 'max-attempts=3,delay=50ms' }],
  ] as const) {
    for (const seed of [1, 2]) {
      test(`every call ends once, and nothing is left of it: ${what}, seed ${seed}`, async () => {
        const random = createSeededRandom(seed);
        const pods = Array.from({ length: 4 }, () => ({ behaviour: moody(random) }));
        const rules = { pods, http: [ROUTE], annotations };
        const bed = await startTimedBed({ current: compileRules(await startPods(rules), rules) }, {}, random);
        const replies: TestReply[] = [];
        const start = async (): Promise<void> => {
          const stream = bed.caller.open(random() < 0.3 ? { 'grpc-timeout': `${Math.ceil(random() * 500)}m` } : {});
          const reply = collect(stream);
          for (let part = Math.floor(random() * 4); part > 0 && !stream.destroyed; part--) {
            stream.write(Buffer.alloc(Math.floor(random() ** 4 * 200_000)));
            for (let turns = random() * 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
          }
          if (random() < 0.15) {
            stream.close(constants.NGHTTP2_CANCEL);
            // With something still to write node:http2 would wait for ever.
            setImmediate(() => stream.destroy());
          } else if (!stream.destroyed) stream.end('end');
          replies.push(await reply);
        };
        const all: Promise<void>[] = [];
        let now = 0;
        while (replies.length < CALLS) {
          if (all.length < CALLS && random() < 0.5) all.push(start());
          bed.tickAt((now += 5));
          await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(all);
        const statuses = new Set(replies.map(statusOf));
        assert.ok(statuses.has('OK') && statuses.size > 1, [...statuses].join());
        // What callers have left may still be on its way to the pods; copies have their time to finish.
        for (let turn = 0; turn < 2000 && bed.alarms() + activeOf(bed) > 0; turn++) {
          bed.tickAt((now += 100));
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(
          bed.endpoints().map(({ active }) => active),
          [0, 0, 0, 0],
        );
        assert.equal(bed.clusters()[0]?.active, 0);
        assert.equal(bed.alarms(), 0);
        assert.equal(bed.retries(bed.clusters()[0]?.name ?? ''), 0);
      });
    }
  }
});

function activeOf({ endpoints }: Awaited<ReturnType<typeof startTimedBed>>): number {
  return endpoints().reduce((sum, { active }) => sum + active, 0);
}
