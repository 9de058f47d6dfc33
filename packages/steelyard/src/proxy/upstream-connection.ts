import { connect } from 'node:net';
import {
  Connection,
  type ConnectionError,
  type ConnectionHandler,
  ErrorCode,
  type HeaderBlock,
  type ResetCause,
  type Stream,
} from '@steelyard/http2';
import { type Call, contextOf } from './call.ts';
import type { Engine } from './engine.ts';
import { failCall } from './fail-call.ts';
import { failureOfReset, GrpcStatus } from './grpc-status.ts';
import { codeOfField, codeOfHeader } from './metrics-status.ts';
import type { Ticking } from './ticker.ts';
import { Transport } from './transport.ts';

/** Istio's default (DestinationRule `connectTimeout`). */
const CONNECT_TIMEOUT_MS = 10_000;

/** Who keeps the connections to a pod. */
export interface ConnectionOwner {
  /** What the pod's SETTINGS last said: the next connection goes by it before it has heard for itself. */
  maxConcurrentStreams: number;
  closed(connection: UpstreamConnection): void;
}

/** A connection to a pod. It takes calls at once: they wait in the output until the socket is connected. */
export class UpstreamConnection implements ConnectionHandler<Call>, Ticking {
  readonly connection: Connection<Call>;
  /** `ip:port`, for messages. */
  readonly #where: string;
  readonly #transport: Transport<Call>;
  readonly #owner: ConnectionOwner;
  #problem = '';
  #connected = false;

  constructor(address: string, port: number, where: string, engine: Engine, owner: ConnectionOwner) {
    this.#where = where;
    this.#owner = owner;
    const { fields, buffers, now } = engine;
    this.connection = new Connection<Call>(this, {
      role: 'client',
      fields,
      buffers,
      now,
      assumedMaxConcurrentStreams: owner.maxConcurrentStreams,
    });
    engine.ticker.add(this);
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => {
      this.#problem = `no connection within ${CONNECT_TIMEOUT_MS / 1000} s`;
      socket.destroy();
    }, CONNECT_TIMEOUT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      this.#connected = true;
    });
    this.#transport = new Transport(socket, this.connection, engine, engine.upstream, (error) => {
      clearTimeout(timer);
      engine.ticker.remove(this);
      // Off the list first: a call that fails now must not be given to this connection again.
      owner.closed(this);
      this.connection.abandon(this.#problem || (error?.message ?? 'the pod closed it'));
    });
  }

  get canOpen(): boolean {
    return this.connection.canOpen;
  }

  tick(now: number): void {
    this.connection.tick(now);
  }

  /** Takes no new calls; closes when those under way have ended. */
  drain(): void {
    this.connection.drain();
  }

  close(): void {
    this.#transport.socket.destroy();
  }

  onHeaders(stream: Stream<Call>, block: HeaderBlock, endStream: boolean): void {
    const call = contextOf(stream);
    if (block.tooLarge) {
      this.connection.reset(stream, ErrorCode.CANCEL);
      const message = `the metadata of the response of ${this.#where} is larger than 64 KiB`;
      failCall(call, { status: GrpcStatus.RESOURCE_EXHAUSTED, message });
      return;
    }
    // A 1xx response is passed on too (RFC 9110 §15.2) and does not start the final one.
    if (stream.headersReceived) {
      call.responseStarted = true;
      call.commit();
    }
    call.status = codeOfHeader(block, call.grpc);
    call.downstream.sendHeaders(call.downStream, block, endStream);
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
        message: `the trailers of ${this.#where} are larger than 64 KiB`,
      });
    } else {
      if (block.grpcStatus !== undefined) call.status = codeOfField(block.grpcStatus);
      call.downstream.sendTrailers(call.downStream, block);
    }
    this.#finish(stream, call);
  }

  /** Request octets have left for the pod: the caller may send as many again. */
  onSent(stream: Stream<Call>, count: number): void {
    const call = contextOf(stream);
    const ahead = Math.min(call.creditedAhead, count);
    call.creditedAhead -= ahead;
    if (count > ahead) call.downstream.consume(call.downStream, count - ahead);
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
