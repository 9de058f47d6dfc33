import type { ConnectionCore } from './connection-core.ts';
import { ConnectionError, ErrorCode } from './error-code.ts';
import { latin1Bytes } from './hpack/bytes.ts';

/** PINGs in one silence that a gRPC server bears at any interval: the first and two strikes (gRFC A8). */
const PINGS_PER_SILENCE = 3;

const KEEPALIVE_PING: Uint8Array = latin1Bytes('anybody?');

/**
 * What time alone can tell of a connection: a greeting or a header block that does not come to its end, readers that take
 * nothing, silence. It sees the clock only at ticks, about once a second.
 */
export class Watch<C> {
  readonly #core: ConnectionCore<C>;
  #since = -1;
  #heardAt = 0;
  #unfinished = 0;
  #unfinishedSince = 0;
  #busyAt = 0;
  #lastId = 0;
  #pingAt = -1;
  #pings = 0;

  constructor(core: ConnectionCore<C>) {
    this.#core = core;
  }

  /**
   * Throws a {@link ConnectionError} when the peer has let a time go by.
   *
   * @param unfinished tells apart what has begun and not ended; 0: nothing.
   */
  tick(now: number, unfinished: number): void {
    const core = this.#core;
    const { limits } = core;
    if (this.#since < 0) {
      this.#since = now;
      this.#heardAt = now;
      this.#busyAt = now;
    }
    if (!core.greeted && now - this.#since > limits.handshakeTimeoutMs) {
      throw new ConnectionError(ErrorCode.SETTINGS_TIMEOUT, 'no complete greeting in time');
    }
    this.#checkUnfinished(now, unfinished);
    if (core.flow.queuedLength > 0) this.#checkStalls(now);
    const { size, lastId } = core.streams;
    // Short calls may come and go between two looks.
    if (size > 0 || lastId !== this.#lastId) {
      this.#busyAt = now;
      this.#lastId = lastId;
    } else if (limits.idleTimeoutMs > 0 && now - this.#busyAt >= limits.idleTimeoutMs) core.drain();
    if (limits.keepaliveAfterMs > 0) this.#keepAlive(now);
  }

  #checkUnfinished(now: number, unfinished: number): void {
    if (unfinished !== this.#unfinished) {
      this.#unfinished = unfinished;
      this.#unfinishedSince = now;
    } else if (unfinished !== 0 && now - this.#unfinishedSince > this.#core.limits.headerTimeoutMs) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'a header block or frame that does not end');
    }
  }

  #checkStalls(now: number): void {
    for (const stream of this.#core.streams.all()) {
      if (stream.closed || !stream.hasQueue) continue;
      if (stream.moved || stream.stalledSince < 0) {
        stream.moved = false;
        stream.stalledSince = now;
      } else if (now - stream.stalledSince >= this.#core.limits.stallTimeoutMs) {
        this.#core.giveUp(stream, ErrorCode.CANCEL, 'nothing of it was taken for too long');
      }
    }
  }

  /**
   * A peer that vanished says nothing. With calls open, silence is answered by a PING, then by others at growing
   * intervals, never more than gRPC servers bear: they count PINGs against a client as long as no call moves.
   */
  #keepAlive(now: number): void {
    const core = this.#core;
    const { keepaliveAfterMs, keepaliveTimeoutMs, minPingIntervalMs } = core.limits;
    if (core.heard) {
      core.heard = false;
      this.#heardAt = now;
      if (!core.heardPongOnly) this.#pings = 0;
      core.heardPongOnly = true;
      this.#pingAt = -1;
      return;
    }
    if (this.#pingAt >= 0) {
      if (now - this.#pingAt < keepaliveTimeoutMs) return;
      throw new ConnectionError(ErrorCode.NO_ERROR, `no answer to a PING within ${keepaliveTimeoutMs / 1000} s`);
    }
    if (core.streams.size === 0) return;
    const patience = this.#pings < PINGS_PER_SILENCE ? keepaliveAfterMs * 2 ** this.#pings : minPingIntervalMs;
    if (now - this.#heardAt < patience) return;
    this.#pingAt = now;
    this.#pings++;
    core.writer.ping(KEEPALIVE_PING, 0);
  }
}
