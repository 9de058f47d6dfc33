import {
  Connection,
  type ConnectionError,
  type ConnectionHandler,
  ErrorCode,
  type HeaderBlock,
  type ResetCause,
  type Stream,
} from '@steelyard/http2';
import { type Call, contextOf } from '../calls/call.ts';
import { changeResponse } from '../routing/change-response.ts';
import type { Engine } from '../transport/engine.ts';
import { failCall } from '../calls/fail-call.ts';
import { failureOfReset, GrpcStatus, tooLarge } from '../calls/grpc-status.ts';
import { codeOfField, codeOfHeader } from '../metrics/metrics-status.ts';
import type { Ticking } from '../transport/ticker.ts';
import { connectUpstream, onceConnected } from '../tls/tls-connect.ts';
import { Transport } from '../transport/transport.ts';

/** Istio's default (DestinationRule `connectTimeout`). */
const CONNECT_TIMEOUT_MS = 10_000;

/** Who keeps the connections to a pod. */
export interface ConnectionOwner {
  /** What the pod's SETTINGS last said: the next connection goes by it before it has heard for itself. */
  maxConcurrentStreams: number;
  /** The pod has sent its SETTINGS, so it speaks HTTP/2. */
  greeted(): void;
  /** @param failure why there never was a connection, when there was not. */
  closed(connection: UpstreamConnection, failure: string | undefined): void;
  /** Calls have another connection. */
  isSurplus(connection: UpstreamConnection): boolean;
}

/** A connection that calls can do without is closed when it has had none for so long. */
const SURPLUS_IDLE_MS = 60_000;

/** A connection to a pod. It takes calls at once: they wait in the output until the socket is connected. */
export class UpstreamConnection implements ConnectionHandler<Call>, Ticking {
  readonly connection: Connection<Call>;
  readonly begunAt: number;
  greeted = false;
  /** When it was first seen without calls; below 0 while it has some. */
  idleSince = -1;
  /** `ip:port`, for messages. */
  readonly #where: string;
  readonly #transport: Transport<Call>;
  readonly #owner: ConnectionOwner;
  readonly #engine: Engine;
  #problem = '';
  #connected = false;
  #ending = false;

  constructor(address: string, port: number, where: string, engine: Engine, owner: ConnectionOwner) {
    this.#where = where;
    this.#owner = owner;
    this.#engine = engine;
    const { fields, buffers, limits, now } = engine;
    this.connection = new Connection<Call>(this, {
      role: 'client',
      fields,
      buffers,
      limits,
      now,
      assumedMaxConcurrentStreams: owner.maxConcurrentStreams,
    });
    this.begunAt = now();
    engine.ticker.add(this);
    const socket = connectUpstream(address, port, engine.upstreamTls);
    const timer = setTimeout(() => {
      this.#problem = `no connection within ${CONNECT_TIMEOUT_MS / 1000} s`;
      socket.destroy();
    }, CONNECT_TIMEOUT_MS);
    onceConnected(socket, () => {
      clearTimeout(timer);
      this.#connected = true;
    });
    this.#transport = new Transport(socket, this.connection, engine, engine.upstream, (error) => {
      clearTimeout(timer);
      engine.ticker.remove(this);
      // Off the list first: a call that fails now must not be given to this connection again.
      const why = this.#problem || (error?.message ?? 'the pod closed it');
      owner.closed(this, this.greeted || this.#ending ? undefined : why);
      this.connection.abandon(why);
    });
  }

  get canOpen(): boolean {
    return this.connection.canOpen;
  }

  tick(now: number): void {
    this.connection.tick(now);
    if (this.connection.streamCount > 0) this.idleSince = -1;
    else if (this.idleSince < 0) this.idleSince = now;
    else if (now - this.idleSince >= SURPLUS_IDLE_MS && this.#owner.isSurplus(this)) this.drain();
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

  onHeaders(stream: Stream<Call>, block: HeaderBlock, endStream: boolean): void {
    const call = contextOf(stream);
    if (block.tooLarge) {
      this.connection.reset(stream, ErrorCode.CANCEL);
      const message = tooLarge(`the metadata of the response of ${this.#where}`, this.#engine.limits);
      failCall(call, { status: GrpcStatus.RESOURCE_EXHAUSTED, message });
      return;
    }
    // A 1xx response is passed on too (RFC 9110 §15.2) and does not start the final one.
    if (stream.headersReceived) {
      call.responseStarted = true;
      call.commit();
    }
    call.status = codeOfHeader(block, call.grpc);
    const { responseRules } = call;
    const sent = responseRules === undefined || !stream.headersReceived ? block : changeResponse(block, responseRules);
    call.downstream.sendHeaders(call.downStream, sent, endStream);
    if (endStream) this.#finish(stream, call);
  }

  onData(stream: Stream<Call>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const call = contextOf(stream);
    call.responseOctets += end - start;
    const sent = call.downstream.sendData(call.downStream, bytes, start, end, endStream);
    if (endStream) this.#finish(stream, call);
    else if (sent > 0) this.connection.consume(stream, sent);
  }

  onTrailers(stream: Stream<Call>, block: HeaderBlock): void {
    const call = contextOf(stream);
    if (block.tooLarge) {
      failCall(call, {
        status: GrpcStatus.RESOURCE_EXHAUSTED,
        message: tooLarge(`the metadata after the response of ${this.#where}`, this.#engine.limits),
      });
    } else {
      if (block.grpcStatus !== undefined) call.status = codeOfField(block.grpcStatus);
      call.downstream.sendTrailers(call.downStream, block);
    }
    this.#finish(stream, call);
  }

  /** Request octets have left for the pod: the caller may send as many again. */
  onSent(stream: Stream<Call>, count: number): void {
    contextOf(stream).sent(count);
  }

  onReset(stream: Stream<Call>, code: number, cause: ResetCause, detail: string): void {
    const call = contextOf(stream);
    if (this.#isUntouched(code, cause)) {
      // A pod that cannot be reached is of no use; one that is going away may take the call on a new connection.
      const avoid = cause === 'connection' ? this.#where : undefined;
      if (call.sender?.resend(call, avoid) === true) return;
    }
    failCall(call, failureOfReset(code, cause, detail, this.#where));
  }

  /** Certainly nobody has looked at the request: RFC 9113 §6.8, §8.7, or it never left this process. */
  #isUntouched(code: number, cause: ResetCause): boolean {
    if (cause === 'unprocessed') return true;
    if (cause === 'peer') return code === ErrorCode.REFUSED_STREAM;
    return cause === 'connection' && !this.#connected;
  }

  onGoAway(): void {
    // `canOpen` is false from now on, so the endpoint opens another connection for the next call.
  }

  onSettings(): void {
    if (!this.greeted) {
      this.greeted = true;
      this.#owner.greeted();
    }
    this.#owner.maxConcurrentStreams = this.connection.peer.maxConcurrentStreams;
  }

  onDrained(): void {
    this.#transport.end();
  }

  onConnectionError(error: ConnectionError): void {
    this.#problem = error.message;
    this.#transport.end();
  }

  onOutput(): void {
    this.#transport.schedule();
  }

  /** The response is complete. What is left of the request is of no use to the pod (RFC 9113 §8.1). */
  #finish(stream: Stream<Call>, call: Call): void {
    call.end(call.status);
    if (!stream.localClosed) this.connection.reset(stream, ErrorCode.CANCEL);
  }
}
