import type { AttemptEnd } from '@steelyard/core/health';
import { type Connection, ErrorCode, type HeaderBlock, type Stream } from '@steelyard/http2';
import { attemptEndOfReset } from '../calls/attempt-end.ts';
import { AttemptRecord } from '../calls/attempt-record.ts';
import type { Call } from '../calls/call.ts';
import type { Deadline, DeadlineWheel, Due } from '../calls/deadline-wheel.ts';
import type { Exchange, PodLink, StreamReset } from '../calls/exchange.ts';
import { failureOfReset, GrpcStatus } from '../calls/grpc-status.ts';
import { codeOfField, codeOfHeader } from '../metrics/metrics-status.ts';
import type { ServedCluster } from '../upstream/cluster-table.ts';

/** Octets of a copy that may wait for its pod: one that does not keep up is given up. */
const MOST_WAITING = 262_144;
/** Of what may wait on a connection, copies give way at this share: what else is on it has the rest. */
const SHARE_OF_QUEUE = 0.25;

/** How long the pod of a copy may go on when the call itself is over, in milliseconds: Envoy's default for a route. */
const LINGER_MS = 15_000;

/** A copy of a call (`http[].mirrors`). It gets the request as it comes; what its pod answers is dropped. */
export class Shadow implements Exchange, Due {
  readonly #grpc: boolean;
  readonly #record: AttemptRecord;
  readonly #deadlines: DeadlineWheel<Due>;
  readonly #connection: Connection<Exchange>;
  readonly #stream: Stream<Exchange>;
  readonly #mostOnConnection: number;
  #status: number = GrpcStatus.CANCELLED;
  #complete: boolean;
  #over = false;
  #limit: Deadline<Due> | undefined = undefined;

  private constructor(
    call: Call,
    record: AttemptRecord,
    { connection, limits }: PodLink,
    block: HeaderBlock,
    endStream: boolean,
    deadlines: DeadlineWheel<Due>,
  ) {
    this.#mostOnConnection = limits.maxQueuedLength * SHARE_OF_QUEUE;
    this.#grpc = call.grpc;
    this.#record = record;
    this.#deadlines = deadlines;
    this.#connection = connection;
    this.#complete = endStream;
    this.#stream = connection.request(block, endStream, this);
  }

  /** `undefined` when there is no pod that would take it: then there is no copy. */
  static start(
    call: Call,
    to: ServedCluster,
    hash: number | undefined,
    block: HeaderBlock,
    endStream: boolean,
    deadlines: DeadlineWheel<Due>,
  ): Shadow | undefined {
    const member = to.picker.pick(hash);
    const link = member?.acquire();
    if (member === undefined || link === undefined) return undefined;
    const record = new AttemptRecord(call, member, to.name);
    record.series.kinds.mirrored++;
    return new Shadow(call, record, link, block, endStream, deadlines);
  }

  add(bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.#over) return;
    this.#complete = endStream;
    this.#connection.sendData(this.#stream, bytes, start, end, endStream);
    const { queuedLength } = this.#connection;
    if (this.#stream.queuedLength > MOST_WAITING || queuedLength > this.#mostOnConnection) this.cancel();
  }

  addTrailers(block: HeaderBlock): void {
    if (this.#over) return;
    this.#complete = true;
    this.#connection.sendTrailers(this.#stream, block);
  }

  cancel(): void {
    if (this.#over) return;
    this.#end(GrpcStatus.CANCELLED, 'unsaid');
    this.#connection.reset(this.#stream, ErrorCode.CANCEL);
  }

  /** The call is over. A pod that has all of the request may finish. */
  mainEnded(): void {
    if (this.#over) return;
    if (this.#complete) this.#limit = this.#deadlines.add(this.#deadlines.now() + LINGER_MS, this);
    else this.cancel();
  }

  due(): void {
    this.cancel();
  }

  onHeaders(_link: PodLink, stream: Stream<Exchange>, block: HeaderBlock, endStream: boolean): void {
    if (stream.headersReceived) this.#status = codeOfHeader(block, this.#grpc);
    if (endStream) this.#finish();
  }

  onData(
    { connection }: PodLink,
    stream: Stream<Exchange>,
    _bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    if (endStream) this.#finish();
    else connection.consume(stream, end - start);
  }

  onTrailers(_link: PodLink, _stream: Stream<Exchange>, block: HeaderBlock): void {
    if (block.grpcStatus !== undefined) this.#status = codeOfField(block.grpcStatus);
    this.#finish();
  }

  onSent(): void {
    // Its caller's credit is the call's.
  }

  onReset({ where }: PodLink, _stream: Stream<Exchange>, reset: StreamReset): void {
    this.#end(failureOfReset(reset, where).status, attemptEndOfReset(reset.code, reset.cause));
  }

  #finish(): void {
    this.#end(this.#status, 'answered');
    if (!this.#stream.localClosed) this.#connection.reset(this.#stream, ErrorCode.CANCEL);
  }

  #end(status: number, how: AttemptEnd): void {
    this.#over = true;
    this.#limit?.cancel();
    this.#record.end(status, how);
  }
}
