import type { Socket } from 'node:net';
import {
  Connection,
  type ConnectionError,
  type ConnectionHandler,
  ErrorCode,
  type HeaderBlock,
  type Stream,
} from '@steelyard/http2';
import { Call, contextOf } from './call.ts';
import type { Engine } from './engine.ts';
import { failCall } from './fail-call.ts';
import { GrpcStatus } from './grpc-status.ts';
import type { Router } from './router.ts';
import { Transport } from './transport.ts';

/** A caller's connection: calls come in here, each is sent on by the router's choice. */
export class DownstreamConnection implements ConnectionHandler<Call> {
  readonly connection: Connection<Call>;
  readonly #transport: Transport<Call>;
  readonly #router: Router;

  constructor(socket: Socket, router: Router, engine: Engine, onClose: (connection: DownstreamConnection) => void) {
    this.#router = router;
    this.connection = new Connection<Call>(this, { role: 'server', fields: engine.fields, buffers: engine.buffers });
    this.#transport = new Transport(socket, this.connection, engine.loop, () => {
      this.connection.abandon('the caller is gone');
      onClose(this);
    });
  }

  /** Takes no new calls; closes when those under way have ended. */
  drain(): void {
    this.connection.drain();
  }

  /** Ends at once what is still under way. */
  close(detail: string): void {
    this.connection.close(ErrorCode.NO_ERROR, detail);
    this.#transport.end();
  }

  onHeaders(stream: Stream<Call>, block: HeaderBlock, endStream: boolean): void {
    const call = new Call(this.connection, stream, isGrpc(block));
    stream.context = call;
    if (block.tooLarge) {
      failCall(call, {
        status: GrpcStatus.RESOURCE_EXHAUSTED,
        message: 'the metadata of the call is larger than 64 KiB',
      });
      return;
    }
    const failure = this.#router.forward(call, block, endStream);
    if (failure !== undefined) failCall(call, failure);
  }

  onData(stream: Stream<Call>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const { upstream, upStream } = contextOf(stream);
    // What nobody wants any more is dropped, and its credit given back.
    const sent =
      upstream === undefined || upStream === undefined
        ? end - start
        : upstream.sendData(upStream, bytes, start, end, endStream);
    if (sent > 0) this.connection.consume(stream, sent);
  }

  onTrailers(stream: Stream<Call>, block: HeaderBlock): void {
    const { upstream, upStream } = contextOf(stream);
    if (upStream !== undefined) upstream?.sendTrailers(upStream, block);
  }

  /** Response octets have left for the caller: the pod may send as many again. */
  onSent(stream: Stream<Call>, count: number): void {
    const { upstream, upStream } = contextOf(stream);
    if (upStream !== undefined) upstream?.consume(upStream, count);
  }

  /** The caller cancelled, is gone, or broke a rule: in each case the pod must not see a complete request. */
  onReset(stream: Stream<Call>): void {
    const call = contextOf(stream);
    if (call.upStream !== undefined) call.upstream?.reset(call.upStream, ErrorCode.CANCEL);
    call.release();
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

/** gRPC's requests have a content-type of `application/grpc`, optionally with `+proto` or parameters. */
function isGrpc(block: HeaderBlock): boolean {
  return block.contentType?.text.startsWith('application/grpc') ?? false;
}
