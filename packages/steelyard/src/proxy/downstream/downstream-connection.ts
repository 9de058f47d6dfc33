import {
  Connection,
  type ConnectionError,
  type ConnectionHandler,
  ErrorCode,
  type HeaderBlock,
  type ResetCause,
  type Stream,
} from '@steelyard/http2';
import { Call, contextOf } from '../calls/call.ts';
import { ConnectionAge } from './connection-age.ts';
import type { Engine } from '../transport/engine.ts';
import type { IncomingSocket } from '../transport/incoming-socket.ts';
import { failCall } from '../calls/fail-call.ts';
import { type CallFailure, GrpcStatus, tooLarge } from '../calls/grpc-status.ts';
import { grpcTimeoutOf } from '../calls/grpc-timeout.ts';
import type { Router } from '../routing/router.ts';
import type { MemoryHolder } from '../transport/memory-guard.ts';
import type { Ticking } from '../transport/ticker.ts';
import { Transport } from '../transport/transport.ts';

/** A caller's connection: calls come in here, each is sent on by the router's choice. */
export class DownstreamConnection implements ConnectionHandler<Call>, Ticking, MemoryHolder {
  readonly connection: Connection<Call>;
  readonly #transport: Transport<Call>;
  readonly #router: Router;
  readonly #engine: Engine;
  readonly #age: ConnectionAge | undefined;
  #draining = false;
  /** Octets of requests that are kept, as far as the process is charged for them. */
  #kept = 0;

  constructor(
    incoming: IncomingSocket,
    router: Router,
    engine: Engine,
    onClose: (connection: DownstreamConnection) => void,
  ) {
    this.#router = router;
    this.#engine = engine;
    const { fields, buffers, limits, maxAge, now, random } = engine;
    const memory = engine.memory.budget;
    this.connection = new Connection<Call>(this, { role: 'server', fields, buffers, limits, memory, now });
    this.#age = maxAge && new ConnectionAge(maxAge, now(), random);
    engine.ticker.add(this);
    engine.memory.add(this);
    this.#transport = new Transport(incoming.socket, this.connection, engine, engine.downstream, () => {
      engine.ticker.remove(this);
      engine.memory.remove(this);
      this.connection.abandon('the caller is gone');
      engine.memory.budget.release(this.#kept);
      this.#kept = 0;
      onClose(this);
    });
    incoming.deliverTo((chunk) => this.#transport.receive(chunk));
  }

  tick(now: number): void {
    this.connection.tick(now);
    this.#chargeKept();
    // One more may have come before the caller heard that it is to go.
    if (this.#draining) this.#endOwn();
    const stage = this.#age?.stage(now) ?? 'young';
    if (stage === 'old') this.drain();
    else if (stage === 'over') this.close('the connection has reached its maximum age');
  }

  get heldLength(): number {
    return this.connection.heldLength + this.#transport.backlog + this.#kept;
  }

  /**
   * Requests that are kept for another try are charged for here, once a second, as most are gone by then. Before anybody is
   * closed for want of memory it is they who go: their calls go on, and are just not made again.
   */
  #chargeKept(): void {
    const { budget } = this.#engine.memory;
    let kept = 0;
    if (this.connection.streamCount > 0) {
      this.connection.forEachStream((stream) => {
        const { replay } = contextOf(stream);
        replay?.compact();
        kept += replay?.length ?? 0;
      });
    }
    if (kept > 0 && budget.used - this.#kept + kept > budget.limit) {
      this.#forgetKept();
      kept = 0;
    }
    budget.release(this.#kept);
    budget.charge(kept);
    this.#kept = kept;
  }

  #forgetKept(): void {
    this.connection.forEachStream((stream) => {
      const call = contextOf(stream);
      if (call.replay?.held === undefined) call.commit();
    });
  }

  lighten(): void {
    if (this.#kept === 0) return;
    this.#forgetKept();
    this.#engine.memory.budget.release(this.#kept);
    this.#kept = 0;
  }

  /** A caller that takes nothing hears no last words either. */
  relieve(detail: string): void {
    this.connection.close(ErrorCode.ENHANCE_YOUR_CALM, detail);
    this.#transport.abort();
  }

  /** Takes no new calls; closes when those under way have ended. */
  drain(): void {
    this.#draining = true;
    this.connection.drain();
    this.#endOwn();
  }

  /** Watching the proxy's health never ends by itself; who does may go on elsewhere. */
  #endOwn(): void {
    this.connection.forEachStream((stream) => {
      const call = contextOf(stream);
      if (call.own === undefined) return;
      failCall(call, { status: GrpcStatus.UNAVAILABLE, message: 'the connection is about to be closed' });
    });
  }

  /** Ends at once what is still under way: each call with a status, then the connection. */
  close(detail: string): void {
    this.connection.forEachStream((stream) => {
      const call = contextOf(stream);
      call.cancel();
      // The pod has done nothing wrong: its attempt is one that was cancelled.
      call.release(GrpcStatus.CANCELLED);
      failCall(call, { status: GrpcStatus.UNAVAILABLE, message: detail });
    });
    this.connection.close(ErrorCode.NO_ERROR, detail);
    this.#transport.end();
  }

  onHeaders(stream: Stream<Call>, block: HeaderBlock, endStream: boolean): void {
    const { calls, accessLog } = this.#engine;
    const call = new Call(this.connection, stream, isGrpc(block), calls, block.path);
    stream.context = call;
    if (accessLog !== undefined) call.entry = accessLog.begin(block, this.#transport.peer);
    if (block.tooLarge) {
      failCall(call, {
        status: GrpcStatus.RESOURCE_EXHAUSTED,
        message: tooLarge('the metadata of the call', this.#engine.limits, block),
        httpStatus: '431',
      });
      return;
    }
    const failure = this.#router.forward(call, block, endStream, this.#transport);
    if (failure === undefined || this.#isForUs(call, block, endStream, failure)) return;
    failCall(call, failure);
  }

  /** A call that no Service is meant by may be one to the proxy itself. Never asked of calls that are sent on. */
  #isForUs(call: Call, block: HeaderBlock, endStream: boolean, { status }: CallFailure): boolean {
    const { health, deadlines } = this.#engine;
    if (status !== GrpcStatus.UNIMPLEMENTED || !health.isAsked(block, this.#transport.localAddress)) return false;
    if (this.#router.serves(block)) return false;
    call.own = health.begin(call, block);
    const ms = call.grpc ? grpcTimeoutOf(block) : undefined;
    if (ms !== undefined) call.deadline = deadlines.add(call.startedUs / 1000 + ms, call);
    if (endStream) call.own.answer();
    return true;
  }

  onData(stream: Stream<Call>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const call = contextOf(stream);
    const { upstream, upStream } = call;
    call.requestOctets += end - start;
    const fits = call.replay === undefined || call.replay.add(bytes, start, end, endStream);
    call.shadows?.add(bytes, start, end, endStream);
    const sent =
      upstream === undefined || upStream === undefined
        ? takeAside(call, bytes, start, end, endStream)
        : upstream.sendData(upStream, bytes, start, end, endStream);
    if (!fits) call.commit();
    if (sent > 0) call.sent(sent);
    if (endStream) call.sender?.complete(call);
  }

  onTrailers(stream: Stream<Call>, block: HeaderBlock): void {
    const call = contextOf(stream);
    const { upstream, upStream, replay } = call;
    call.own?.answer();
    if (replay !== undefined) replay.trailers = block.retain();
    call.shadows?.addTrailers(block);
    if (upStream !== undefined) upstream?.sendTrailers(upStream, block);
    else call.pending?.addTrailers(block);
    call.sender?.complete(call);
  }

  /** Response octets have left for the caller: the pod may send as many again. */
  onSent(stream: Stream<Call>, count: number): void {
    const { upstream, upStream } = contextOf(stream);
    if (upStream !== undefined) upstream?.consume(upStream, count);
  }

  /** The caller cancelled, is gone, or broke a rule: in each case the pod must not see a complete request. */
  onReset(stream: Stream<Call>, code: number, cause: ResetCause, detail: string): void {
    const call = contextOf(stream);
    this.#engine.callerFaults.stream(code, cause, detail, this.#transport);
    call.cancel();
    // Callers' clocks are mostly first: one who cancels at the deadline has waited for the pod as long as it would.
    if (cause === 'peer' && hasWaitedLongEnough(call)) call.attemptEnd = 'timeout';
    const byUs = cause === 'connection' && code === ErrorCode.NO_ERROR;
    call.end(byUs ? GrpcStatus.UNAVAILABLE : GrpcStatus.CANCELLED, cause === 'peer' ? 'the caller cancelled' : detail);
  }

  onRefused(_streamId: number, code: number, detail: string): void {
    this.#engine.callerFaults.refused(code, detail, this.#transport);
  }

  onGoAway(): void {
    // A caller that opens no more calls needs nothing from us until the last one has ended.
  }

  onSettings(): void {
    // The engine applies them; nothing here depends on them.
  }

  onDrained(): void {
    this.#transport.end();
  }

  onConnectionError(error: ConnectionError): void {
    this.#engine.callerFaults.connection(error, this.#transport);
    this.#transport.end();
  }

  onOutput(): void {
    this.#transport.schedule();
  }
}

/** How much sooner than ours a caller's clock may be. */
const CLOCK_LEAD_MS = 20;

function hasWaitedLongEnough({ deadline, responseStarted }: Call): boolean {
  return deadline !== undefined && !responseStarted && deadline.remainingMs <= CLOCK_LEAD_MS;
}

/**
 * The body of a call that no pod has alone: one that waits for its pod, the proxy's own, or nobody's. Returns the octets that
 * are out of the way: what nobody wants any more is dropped, and its credit given back.
 */
function takeAside({ own, pending }: Call, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
  if (pending !== undefined) {
    pending.add(bytes, start, end, endStream);
    return 0;
  }
  own?.add(bytes, start, end);
  if (endStream) own?.answer();
  return end - start;
}

const GRPC = 'application/grpc';

/** PROTOCOL-HTTP2.md: `application/grpc`, optionally with `+proto` or the like, or parameters. `application/grpc-web` is none. */
function isGrpc({ contentType }: HeaderBlock): boolean {
  const text = contentType?.text ?? '';
  if (!text.startsWith(GRPC)) return false;
  return text.length === GRPC.length || text[GRPC.length] === '+' || text[GRPC.length] === ';';
}
