import {
  Connection,
  type ConnectionError,
  type ConnectionHandler,
  ErrorCode,
  type HeaderBlock,
  type Limits,
  type ResetCause,
  type Stream,
} from '@steelyard/http2';
import type { Endpoint } from '@steelyard/core/model';
import { type Exchange, exchangeOf, type PodLink } from '../calls/exchange.ts';
import type { HeldHeads } from '../calls/held-heads.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import type { Engine } from '../transport/engine.ts';
import type { MemoryHolder } from '../transport/memory-guard.ts';
import type { Ticking } from '../transport/ticker.ts';
import type { PeerFaults } from '../transport/peer-faults.ts';
import { connectUpstream, onceConnected } from '../tls/tls-connect.ts';
import { describeConnectionError } from '../tls/tls-problem.ts';
import { Transport } from '../transport/transport.ts';

/** Who keeps the connections to a pod. */
export interface ConnectionOwner {
  /** What the pod's SETTINGS last said: the next connection goes by it before it has heard for itself. */
  readonly maxConcurrentStreams: number;
  /** The pod's SETTINGS allow so many streams on a connection from now on. */
  announced(maxConcurrentStreams: number): void;
  /** The pod has sent its SETTINGS, so it speaks HTTP/2. */
  greeted(): void;
  /** @param failure why there never was a connection, when there was not. */
  closed(connection: UpstreamConnection, failure: string | undefined): void;
  /** Calls have another connection. */
  isSurplus(connection: UpstreamConnection): boolean;
}

/** Beyond it Node's timers go off at once; rules may say more. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** A connection that calls can do without is closed when it has had none for so long. */
const SURPLUS_IDLE_MS = 60_000;

/** A connection to a pod. It takes calls at once: they wait in the output until the socket is connected. */
export class UpstreamConnection implements ConnectionHandler<Exchange>, PodLink, Ticking, MemoryHolder {
  readonly connection: Connection<Exchange>;
  readonly begunAt: number;
  greeted = false;
  /** Its calls wait for one another's octets: a new one is better off on another connection. */
  heldUp = false;
  /** When it was first seen without calls; below 0 while it has some. */
  idleSince = -1;
  /** `ip:port`, for messages. */
  readonly where: string;
  readonly limits: Limits;
  readonly holds: HeldHeads;
  readonly #transport: Transport<Exchange>;
  readonly #faults: PeerFaults;
  readonly #owner: ConnectionOwner;
  readonly #plan: ConnectionPlan;
  #problem = '';
  #connected = false;
  #ending = false;
  /** The pod has said GOAWAY. */
  #leaving = false;
  /** Calls it has taken. */
  #calls = 0;

  constructor(endpoint: Endpoint, where: string, plan: ConnectionPlan, engine: Engine, owner: ConnectionOwner) {
    this.where = where;
    this.limits = plan.limits;
    this.holds = engine.holds;
    this.#faults = engine.podFaults;
    this.#owner = owner;
    this.#plan = plan;
    const { fields, buffers, now } = engine;
    const { limits, connectTimeoutMs, tcpKeepaliveMs } = plan;
    this.connection = new Connection<Exchange>(this, {
      role: 'client',
      fields,
      buffers,
      limits,
      memory: engine.memory.budget,
      now,
      assumedMaxConcurrentStreams: owner.maxConcurrentStreams,
    });
    this.begunAt = now();
    engine.ticker.add(this);
    engine.memory.add(this);
    const socket = connectUpstream(
      endpoint.address,
      endpoint.port,
      engine.readBuffer.deliverTo((chunk) => this.#transport.receive(chunk)),
      plan.security.context,
    );
    if (tcpKeepaliveMs !== undefined) socket.setKeepAlive(true, tcpKeepaliveMs);
    const timer = setTimeout(
      () => {
        this.#problem = `no connection within ${connectTimeoutMs / 1000} s`;
        socket.destroy(new Error(this.#problem));
      },
      Math.min(connectTimeoutMs, LONGEST_TIMER_MS),
    );
    onceConnected(socket, () => {
      clearTimeout(timer);
      this.#connected = true;
    });
    this.#transport = new Transport(socket, this.connection, engine, engine.upstream, (error) => {
      clearTimeout(timer);
      engine.ticker.remove(this);
      engine.memory.remove(this);
      // Off the list first: a call that fails now must not be given to this connection again.
      const why = this.#problem || (error === undefined ? 'the pod closed it' : describeConnectionError(error));
      owner.closed(this, this.greeted || this.#ending ? undefined : why);
      this.connection.abandon(why);
    });
  }

  get canOpen(): boolean {
    const { connection } = this;
    const { maxConcurrentStreams, maxRequests } = this.#plan;
    return connection.canOpen && connection.streamCount < maxConcurrentStreams && this.#calls < maxRequests;
  }

  /** It takes no more calls, and closes once those under way have ended. */
  get ending(): boolean {
    return this.#ending || this.#calls >= this.#plan.maxRequests;
  }

  /** Streams at a time, by what the pod has said last. */
  get allows(): number {
    return this.connection.peer.maxConcurrentStreams;
  }

  /** It takes calls, or may come to. */
  get mayTakeCalls(): boolean {
    return !this.ending && !this.#leaving;
  }

  /** It is given one more call. */
  take(): void {
    this.idleSince = -1;
    this.#calls++;
  }

  tick(now: number): void {
    this.connection.tick(now);
    // Seen once a second: what is full for a moment now and then is just busy.
    this.heldUp = this.greeted && this.connection.heldUp;
    if (this.ending || now - this.begunAt >= this.#plan.maxDurationMs) this.drain();
    if (this.connection.streamCount > 0) this.idleSince = -1;
    else if (this.idleSince < 0) this.idleSince = now;
    else if (now - this.idleSince >= SURPLUS_IDLE_MS && this.#owner.isSurplus(this)) this.drain();
  }

  get heldLength(): number {
    return this.connection.heldLength + this.#transport.backlog;
  }

  /** Many callers may share it, so only those whose requests wait the longest lines are given up. */
  relieve(detail: string): void {
    this.connection.relieve(detail);
  }

  /** Takes no new calls; closes when those under way have ended. */
  drain(): void {
    this.#ending = true;
    this.connection.drain();
  }

  close(): void {
    this.#ending = true;
    this.#transport.socket.destroy();
  }

  onHeaders(stream: Stream<Exchange>, block: HeaderBlock, endStream: boolean): void {
    exchangeOf(stream).onHeaders(this, stream, block, endStream);
  }

  onData(stream: Stream<Exchange>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    exchangeOf(stream).onData(this, stream, bytes, start, end, endStream);
  }

  onTrailers(stream: Stream<Exchange>, block: HeaderBlock): void {
    exchangeOf(stream).onTrailers(this, stream, block);
  }

  /** Request octets have left for the pod: the caller may send as many again. */
  onSent(stream: Stream<Exchange>, count: number): void {
    exchangeOf(stream).onSent(count);
  }

  onReset(stream: Stream<Exchange>, code: number, cause: ResetCause, detail: string): void {
    this.#faults.stream(code, cause, detail, { peer: this.where });
    const untouched = this.#isUntouched(code, cause);
    const unconnected = cause === 'connection' && !this.#connected;
    exchangeOf(stream).onReset(this, stream, { code, cause, detail, untouched, unconnected });
  }

  /** Certainly nobody has looked at the request: RFC 9113 §6.8, §8.7, or it never left this process. */
  #isUntouched(code: number, cause: ResetCause): boolean {
    if (cause === 'unprocessed') return true;
    if (cause === 'peer') return code === ErrorCode.REFUSED_STREAM;
    return cause === 'connection' && !this.#connected;
  }

  onGoAway(): void {
    this.#leaving = true;
    // `canOpen` is false from now on, so the endpoint opens another connection for the next call.
  }

  onSettings(): void {
    if (!this.greeted) {
      this.greeted = true;
      this.#owner.greeted();
    }
    this.#owner.announced(this.allows);
  }

  onDrained(): void {
    this.#transport.end();
  }

  onConnectionError(error: ConnectionError): void {
    this.#problem = error.message;
    this.#faults.connection(error, { peer: this.where });
    this.#transport.end();
  }

  onOutput(): void {
    this.#transport.schedule();
  }
}
