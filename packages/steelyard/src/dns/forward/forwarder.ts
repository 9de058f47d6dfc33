import type { Random } from '@steelyard/core/balance';
import type { Logger } from '../../log.ts';
import type { SocketAddress } from '../../net-address.ts';
import type { Query, Reply, Transport } from '../answer/responder.ts';
import { sizeLimit } from '../answer/size-limit.ts';
import { AnswerWriter } from '../message/answer-writer.ts';
import { HEADER_LENGTH, RESPONSE_CODE, type ResponseCode } from '../message/protocol.ts';
import { type CacheCounts, ForwardCache, type CacheKind } from './forward-cache.ts';
import { PASSED_FLAGS, writeForwardedAnswer } from './forwarded-message.ts';
import { LoopProbe } from './loop-probe.ts';
import { Upstream, type UpstreamCounts } from './upstream.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

export interface ForwardOptions {
  /** At least one. */
  readonly upstreams: readonly SocketAddress[];
  /** Answers are kept for no longer than this; 0: not at all. */
  readonly cacheSeconds: number;
}

export interface ForwarderDependencies {
  /** Must be hard to guess: IDs come from it. */
  readonly random: Random;
  /** Milliseconds; never goes back. */
  readonly now: () => number;
  readonly log: Logger;
  /** A label that nobody else would ask for; servers that share their socket share it. */
  readonly loopLabel: string;
  /** Our own probe has come back to us. */
  readonly onLoop?: () => void;
}

/** Asks others for what is not the zone's, and remembers what they said. */
export interface Forwarder {
  readonly forward: (query: Query, message: Buffer, transport: Transport) => Reply;
  /** Somebody who shares our socket saw the probe come back. */
  looped(): void;
  report(): ForwardReport;
  close(): void;
}

export interface ForwardReport {
  readonly upstreams: readonly ({ readonly name: string; readonly healthy: boolean } & UpstreamCounts)[];
  readonly cache: CacheCounts;
  readonly cacheSizes: Readonly<Record<CacheKind, number>>;
  /** Questions under way were as many as there may be. */
  readonly rejected: number;
}

/** CoreDNS's `cache` has as many. */
const MAX_CACHE_ENTRIES = 9984;
const MAX_CACHE_BYTES = 16 << 20;
/** `max_concurrent` of the Corefile that Kubernetes' installers write. */
const MAX_UNDER_WAY = 1000;
/** One try after the other, on another upstream each if there is one; together less than a stub resolver waits (5 s). */
const TIMEOUTS_MS = [1000, 1500, 2000] as const;

/** What a resolver that cannot or will not answer says; another one may well do better (as glibc has it). */
const TRY_ANOTHER: ReadonlySet<number> = new Set([RESPONSE_CODE.SERVFAIL, RESPONSE_CODE.NOTIMP, RESPONSE_CODE.REFUSED]);

export function createForwarder(options: ForwardOptions, dependencies: ForwarderDependencies): Forwarder {
  const { random, now, log } = dependencies;
  const upstreams = options.upstreams.map((address) => new Upstream(address, random));
  const cache = new ForwardCache({
    maxSeconds: options.cacheSeconds,
    maxEntries: MAX_CACHE_ENTRIES,
    maxBytes: MAX_CACHE_BYTES,
  });
  const underWay = new Map<string, Promise<UpstreamAnswer | undefined>>();
  let rejected = 0;
  const loop = new LoopProbe({ ...dependencies, ask: (query, message) => void askAll(query, message) });

  /** One after the other, the healthy ones first; `undefined` when none has answered. */
  async function askAll(query: Query, message: Buffer): Promise<UpstreamAnswer | undefined> {
    const order = shuffle(upstreams, random).toSorted((a, b) => Number(b.healthy) - Number(a.healthy));
    let last: UpstreamAnswer | undefined;
    for (const [attempt, timeoutMs] of TIMEOUTS_MS.entries()) {
      const upstream = order[attempt % order.length];
      // Whoever has said no will say it again.
      if (upstream === undefined || (last !== undefined && attempt >= order.length)) break;
      try {
        last = await upstream.ask(query, message, timeoutMs);
        if (!TRY_ANOTHER.has(last.code)) return last;
      } catch (error) {
        log.debug(`${upstream.name} did not answer: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return last;
  }

  async function askOnce(key: string, query: Query, message: Buffer): Promise<UpstreamAnswer | undefined> {
    try {
      const answer = await askAll(query, message);
      if (answer !== undefined) cache.set(key, answer, now());
      return answer;
    } finally {
      underWay.delete(key);
    }
  }

  return {
    forward(query, message, transport) {
      const { question } = query;
      const limit = sizeLimit(query.edns, transport);
      const write = (answer: UpstreamAnswer | undefined, ageSeconds: number): Buffer =>
        answer === undefined
          ? writeFailure(query, message, limit, RESPONSE_CODE.SERVFAIL)
          : writeForwardedAnswer(answer, query, message, ageSeconds, limit);
      loop.see(question);
      if (loop.found) return write(undefined, 0);
      const key = keyOf(query);
      const cached = cache.get(key, now());
      if (cached !== undefined) return write(cached.answer, cached.ageSeconds);
      let asking = underWay.get(key);
      if (asking === undefined) {
        if (underWay.size >= MAX_UNDER_WAY) {
          rejected++;
          return writeFailure(query, message, limit, RESPONSE_CODE.REFUSED);
        }
        asking = askOnce(key, query, message);
        underWay.set(key, asking);
      }
      return asking.then((answer) => write(answer, 0));
    },
    looped: () => loop.looped(),
    report: () => ({
      upstreams: upstreams.map((upstream) => ({ name: upstream.name, healthy: upstream.healthy, ...upstream.counts })),
      cache: cache.counts,
      cacheSizes: cache.sizes,
      rejected,
    }),
    close() {
      loop.close();
      for (const upstream of upstreams) upstream.close();
    },
  };
}

/** All that an answer depends on. */
function keyOf({ flags, question, edns }: Query): string {
  const dnssec = edns?.dnssecOk === true ? 'd' : '';
  return `${flags & PASSED_FLAGS}${dnssec} ${question.type} ${question.name}`;
}

function writeFailure(
  { id, flags, question, edns }: Query,
  message: Buffer,
  limit: number,
  code: ResponseCode,
): Buffer {
  const repeated = message.subarray(HEADER_LENGTH, question.end);
  return new AnswerWriter(repeated, edns, limit, 0).finish(id, flags, code, false);
}

function shuffle<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
