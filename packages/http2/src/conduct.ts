import { ConnectionError, ErrorCode } from './error-code.ts';
import type { Limits } from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

/** WINDOW_UPDATE frames that a peer may send without giving account of them: at the start, per stream, per frame of ours. */
const UPDATES_AT_FIRST = 100;
const UPDATES_PER_STREAM = 5;
const UPDATES_PER_FRAME = 2;

/**
 * Frames of streams that are no more: at the start, and for each stream or frame of ours that they may have crossed. A window of
 * DATA (256 KiB) is 16 frames.
 */
const LATE_AT_FIRST = 100;
const LATE_PER_STREAM = 20;

/** How many PINGs too many are borne (gRFC A8: "ping strikes"). */
const PING_STRIKES = 2;

export interface ConductOptions {
  readonly limits: Limits;
  /** Milliseconds from any start, never going back. */
  readonly now: () => number;
  /** HEADERS and DATA frames we have sent so far: what a peer may react to. */
  readonly framesSent: () => number;
  /** Called once, when little is left of a budget. */
  readonly onLow: () => void;
}

/**
 * Keeps book of a peer's conduct: frames that cost us work and do no call any good are charged to one budget, resets to
 * another. Near its end the connection is drained, at its end closed with ENHANCE_YOUR_CALM.
 */
export class Conduct {
  readonly #options: ConductOptions;
  readonly #oddities: TokenBucket;
  readonly #resets: TokenBucket;
  #streams = 0;
  #updates = 0;
  #lateFrames = 0;
  #lateExpected = LATE_AT_FIRST;
  #lastPingAt = -Infinity;
  #framesSentAtPing = -1;
  #pingStrikes = 0;
  #warned = false;

  constructor(options: ConductOptions) {
    const { limits, now } = options;
    this.#options = options;
    this.#oddities = new TokenBucket(limits.oddityBurst, limits.odditiesPerSecond, now);
    this.#resets = new TokenBucket(limits.resetBurst, limits.resetsPerSecond, now);
  }

  /** A frame that is legal and useless. */
  oddity(what: string): void {
    this.#charge(this.#oddities, what);
  }

  /** A stream was reset: by the peer, or by us because of what the peer sent. */
  reset(): void {
    this.#charge(this.#resets, 'reset streams');
  }

  streamOpened(): void {
    this.#streams++;
  }

  /** Both sides have ended it properly. */
  streamEnded(): void {
    this.#resets.refund(1);
  }

  /**
   * DATA, HEADERS or RST_STREAM of a stream that has ended: its sender may not have known. Without pods every call ends before its
   * message has come.
   */
  lateFrame(): void {
    this.#lateFrames++;
    const allowed = this.#lateExpected + LATE_PER_STREAM * (this.#streams + this.#options.framesSent());
    if (this.#lateFrames > allowed) this.oddity('frames of streams that have ended');
  }

  /** As many more frames of a stream that has ended may be on their way. */
  expectLate(count: number): void {
    if (count > 0) this.#lateExpected += count;
  }

  windowUpdate(): void {
    this.#updates++;
    const allowed =
      UPDATES_AT_FIRST + UPDATES_PER_STREAM * this.#streams + UPDATES_PER_FRAME * this.#options.framesSent();
    if (this.#updates > allowed) this.oddity('WINDOW_UPDATE frames');
  }

  /**
   * A PING after something that we have sent is a fair question: gRPC implementations measure lines by one PING per round
   * trip while DATA flows ("BDP probes"), which in a cluster are thousands a second.
   *
   * @param enforce count strikes as gRPC servers do (gRFC A8 "Server Enforcement").
   */
  ping(enforce: boolean): void {
    const { now, framesSent, limits } = this.#options;
    const sent = framesSent();
    const asked = sent !== this.#framesSentAtPing;
    this.#framesSentAtPing = sent;
    if (!asked) this.oddity('PING frames');
    if (!enforce) return;
    const at = now();
    const tooSoon = at - this.#lastPingAt < limits.minPingIntervalMs;
    if (asked) this.#pingStrikes = 0;
    else if (tooSoon) this.#pingStrikes++;
    this.#lastPingAt = at;
    if (this.#pingStrikes > PING_STRIKES) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'too_many_pings');
  }

  #charge(bucket: TokenBucket, what: string): void {
    if (!bucket.charge(1)) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, `too many ${what}`);
    if (this.#warned || !bucket.low) return;
    this.#warned = true;
    this.#options.onLow();
  }
}
