import type { ConnectionCore } from './connection-core.ts';
import type { Stream } from './stream.ts';
import { TokenBucket } from './token-bucket.ts';

/** 1xx responses, and DATA frames without content, that each stream may have for nothing. */
const INTERIM_PER_STREAM = 8;
const EMPTY_PER_STREAM = 2;

/** A gRPC message has a prefix of five octets: DATA of fewer is a crumb. */
const CRUMB = 5;

/** So many crumbs of one stream count as much as one oddity of its connection. */
const CRUMBS_PER_ODDITY = 50;

/** They are charged for by the hundred, and the clock is asked no more often. */
const CRUMBS_AT_ONCE = 100;

const INTERIM = '1xx responses';
const EMPTY = 'DATA frames without content';
const CRUMBS = 'DATA frames of next to nothing';

/**
 * Frames of a message that bring it on by little or nothing. Callers answer for them with their connection. Others share that to
 * a pod, so there it is the stream that goes (`ENHANCE_YOUR_CALM`).
 */
export class FutileFrames<C> {
  readonly #core: ConnectionCore<C>;
  readonly #now: () => number;
  /** What all streams to a pod may have beyond what is free. */
  readonly #budget: TokenBucket;

  constructor(core: ConnectionCore<C>, now: () => number) {
    this.#core = core;
    this.#now = now;
    this.#budget = new TokenBucket(core.limits.oddityBurst, core.limits.odditiesPerSecond, now);
  }

  /** A 1xx response. False: the stream has been reset for it. */
  onInterim(stream: Stream<C>): boolean {
    return ++stream.interim <= INTERIM_PER_STREAM || this.#charge(stream, INTERIM);
  }

  /** DATA of so many octets, without END_STREAM. False: the stream has been reset for it. */
  onData(stream: Stream<C>, length: number): boolean {
    if (length >= CRUMB) {
      // A prefix, and behind it the rest of its message: these are no crumbs, whichever of the two is small.
      if (stream.crumbs > 0) stream.crumbs--;
      return true;
    }
    if (length === 0) return ++stream.empty <= EMPTY_PER_STREAM || this.#charge(stream, EMPTY);
    return ++stream.crumbs < CRUMBS_AT_ONCE || this.#chargeCrumbs(stream);
  }

  #charge(stream: Stream<C>, what: string): boolean {
    if (this.#core.role === 'server') {
      this.#core.conduct.oddity(what);
      return true;
    }
    if (this.#budget.charge(1)) return true;
    this.#core.calm(stream, `too many ${what}`, 0);
    return false;
  }

  /** Each stream has a budget of its own: it is as good as its own traffic. */
  #chargeCrumbs(stream: Stream<C>): boolean {
    const { oddityBurst, odditiesPerSecond } = this.#core.limits;
    stream.crumbs = 0;
    stream.crumbBudget ??= new TokenBucket(
      oddityBurst * CRUMBS_PER_ODDITY,
      odditiesPerSecond * CRUMBS_PER_ODDITY,
      this.#now,
    );
    if (stream.crumbBudget.charge(CRUMBS_AT_ONCE)) return true;
    // Each has an octet at least.
    this.#core.calm(stream, `too many ${CRUMBS}`, stream.receiveWindow);
    return false;
  }
}
