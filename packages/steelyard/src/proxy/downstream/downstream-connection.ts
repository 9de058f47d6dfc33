import type { Socket } from 'node:net';
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
import { failCall } from '../calls/fail-call.ts';
import { type CallFailure, GrpcStatus, tooLarge } from '../calls/grpc-status.ts';
import type { Router } from '../routing/router.ts';
import type { Ticking } from '../transport/ticker.ts';
import { Transport } from '../transport/transport.ts';

/** A caller's connection: calls come in here, each is sent on by the router's choice. */
export class DownstreamConnection implements ConnectionHandler<Call>, Ticking {
  readonly connection: Connection<Call>;
  readonly #transport: Transport<Call>;
  readonly #router: Router;
  readonly #engine: Engine;
  readonly #age: ConnectionAge | undefined;
  #draining = false;

  constructor(socket: Socket, router: Router, engine: Engine, onClose: (connection: DownstreamConnection) => void) {
    this.#router = router;
    this.#engine = engine;
    const { fields, buffers, limits, maxAge, now, random } = engine;
    this.connection = new Connection<Call>(this, { role: 'server', fields, buffers, limits, now });
    this.#age = maxAge && new ConnectionAge(maxAge, now(), random);
    engine.ticker.add(this);
    this.#transport = new Transport(socket, this.connection, engine, engine.downstream, () => {
      engine.ticker.remove(this);
      this.connection.abandon('the caller is gone');
      onClose(this);
    });
  }

  tick(now: number): void {
    this.connection.tick(now);
    // One more may have come before the caller heard that it is to go.
    if (this.#draining) this.#endOwn();
    const stage = this.#age?.stage(now) ?? 'young';
    if (stage === 'old') this.drain();
    else if (stage === 'over') this.close('the connection has reached its maximum age');
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
      if (call.upStream !== undefined) call.upstream?.reset(call.upStream, ErrorCode.CANCEL);
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
        message: tooLarge('the metadata of the call', this.#engine.limits),
      });
      return;
    }
    const failure = this.#router.forward(call, block, endStream, this.#transport);
    if (failure === undefined || this.#isForUs(call, block, endStream, failure)) return;
    failCall(call, failure);
  }

  /** A call that no Service is meant by may be one to the proxy itself. Never asked of calls that are sent on. */
  #isForUs(call: Call, block: HeaderBlock, endStream: boolean, { status }: CallFailure): boolean {
    const { health } = this.#engine;
    if (status !== GrpcStatus.UNIMPLEMENTED || !health.isAsked(block, this.#transport.localAddress)) return false;
    if (this.#router.serves(block)) return false;
    call.own = health.begin(call, block);
    if (endStream) call.own.answer();
    return true;
  }

  onData(stream: Stream<Call>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const call = contextOf(stream);
    const { upstream, upStream } = call;
    call.requestOctets += end - start;
    if (call.replay !== undefined && !call.replay.add(bytes, start, end, endStream)) call.commit();
    // What nobody wants any more is dropped, and its credit given back.
    const sent =
      upstream === undefined || upStream === undefined
        ? takeOwn(call, bytes, start, end, endStream)
        : upstream.sendData(upStream, bytes, start, end, endStream);
    if (sent > 0) call.sent(sent);
  }

  onTrailers(stream: Stream<Call>, block: HeaderBlock): void {
    const { upstream, upStream, replay, own } = contextOf(stream);
    own?.answer();
    if (replay !== undefined) replay.trailers = block.retain();
    if (upStream !== undefined) upstream?.sendTrailers(upStream, block);
  }

  /** Response octets have left for the caller: the pod may send as many again. */
  onSent(stream: Stream<Call>, count: number): void {
    const { upstream, upStream } = contextOf(stream);
    if (upStream !== undefined) upstream?.consume(upStream, count);
  }

  /** The caller cancelled, is gone, or broke a rule: in each case the pod must not see a complete request. */
  onReset(stream: Stream<Call>, code: number, cause: ResetCause, detail: string): void {
    const call = contextOf(stream);
    if (call.upStream !== undefined) call.upstream?.reset(call.upStream, ErrorCode.CANCEL);
    const byUs = cause === 'connection' && code === ErrorCode.NO_ERROR;
    call.end(byUs ? GrpcStatus.UNAVAILABLE : GrpcStatus.CANCELLED, cause === 'peer' ? 'the caller cancelled' : detail);
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

  onConnectionError(_error: ConnectionError): void {
    this.#transport.end();
  }

  onOutput(): void {
    this.#transport.schedule();
  }
}

/** The body of a call that was not sent on: the proxy's own, or nobody's. Returns the octets that are out of the way. */
function takeOwn({ own }: Call, bytes: Uint8Array, start: number, end: number, endStream: boolean): number {
  own?.add(bytes, start, end);
  if (endStream) own?.answer();
  return end - start;
}

/** gRPC's requests have a content-type of `application/grpc`, optionally with `+proto` or parameters. */
function isGrpc(block: HeaderBlock): boolean {
  return block.contentType?.text.startsWith('application/grpc') ?? false;
}
