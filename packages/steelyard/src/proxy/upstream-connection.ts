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
export class UpstreamConnection implements ConnectionHandler<Call> {
  readonly connection: Connection<Call>;
  /** `ip:port`, for messages. */
  readonly #where: string;
  readonly #transport: Transport<Call>;
  readonly #owner: ConnectionOwner;
  #problem = '';

  constructor(address: string, port: number, where: string, engine: Engine, owner: ConnectionOwner) {
    this.#where = where;
    this.#owner = owner;
    this.connection = new Connection<Call>(this, {
      role: 'client',
      fields: engine.fields,
      buffers: engine.buffers,
      assumedMaxConcurrentStreams: owner.maxConcurrentStreams,
    });
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => {
      this.#problem = `no connection within ${CONNECT_TIMEOUT_MS / 1000} s`;
      socket.destroy();
    }, CONNECT_TIMEOUT_MS);
    socket.once('connect', () => clearTimeout(timer));
    this.#transport = new Transport(socket, this.connection, engine.loop, (error) => {
      clearTimeout(timer);
      // Off the list first: a call that fails now must not be given to this connection again.
      owner.closed(this);
      this.connection.abandon(this.#problem || (error?.message ?? 'the pod closed it'));
    });
  }

  get canOpen(): boolean {
    return this.connection.canOpen;
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
    call.responseStarted ||= stream.headersReceived;
    call.downstream.sendHeaders(call.downStream, block, endStream);
    if (endStream) this.#finish(stream, call);
  }

  onData(stream: Stream<Call>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const call = contextOf(stream);
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
      call.downstream.sendTrailers(call.downStream, block);
    }
    this.#finish(stream, call);
  }

  /** Request octets have left for the pod: the caller may send as many again. */
  onSent(stream: Stream<Call>, count: number): void {
    const call = contextOf(stream);
    call.downstream.consume(call.downStream, count);
  }

  onReset(stream: Stream<Call>, code: number, cause: ResetCause, detail: string): void {
    const call = contextOf(stream);
    failCall(call, failureOfReset(code, cause, detail, this.#where));
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
    call.release();
    if (!stream.localClosed) this.connection.reset(stream, ErrorCode.CANCEL);
  }
}
