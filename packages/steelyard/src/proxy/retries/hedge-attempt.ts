import { type Connection, ErrorCode, type HeaderBlock, type Stream } from '@steelyard/http2';
import type { AttemptEnd } from '@steelyard/core/health';
import { attemptEndOfReset } from '../calls/attempt-end.ts';
import type { AttemptRecord } from '../calls/attempt-record.ts';
import type { Call } from '../calls/call.ts';
import type { Exchange, PodLink, StreamReset } from '../calls/exchange.ts';
import { failureOfReset, GrpcStatus } from '../calls/grpc-status.ts';
import { codeOfField, codeOfHeader, STATIC_200 } from '../metrics/metrics-status.ts';
import { hasNamedHeader } from './asked-plan.ts';
import type { Outcome } from './outcome.ts';
import { outcomeOfHeader, outcomeOfReset, outcomeOfTrailers } from './outcomes.ts';

/** Who decides what the end of one of several attempts means. */
export interface HedgeOwner {
  /** True when the attempt is over and others go on; false when its answer is the call's. */
  failed(attempt: HedgeAttempt, outcome: Outcome, how: AttemptEnd): boolean;
  /** The attempt has the call to itself from here on. */
  win(attempt: HedgeAttempt): void;
}

/** One of several attempts of a call that are under way side by side. */
export class HedgeAttempt implements Exchange {
  readonly record: AttemptRecord;
  readonly connection: Connection<Exchange>;
  /** It has a place in the retry budget. */
  readonly extra: boolean;
  stream: Stream<Exchange> | undefined = undefined;
  /** Octets of the request that have left. */
  sentOctets = 0;
  over = false;
  readonly #call: Call;
  readonly #owner: HedgeOwner;
  /** The header of its response, as long as that is all. */
  #head: HeaderBlock | undefined = undefined;

  constructor(call: Call, owner: HedgeOwner, record: AttemptRecord, connection: Connection<Exchange>, extra: boolean) {
    this.#call = call;
    this.#owner = owner;
    this.record = record;
    this.connection = connection;
    this.extra = extra;
  }

  sent(count: number): void {
    this.sentOctets += count;
    this.#call.credit(this.sentOctets);
  }

  /** Another attempt has won, or the call is over. */
  cancel(): void {
    this.over = true;
    this.record.end(GrpcStatus.CANCELLED, 'unsaid');
    this.reset();
  }

  /** Ends its stream, unless that has ended by itself. */
  reset(): void {
    const { stream } = this;
    if (stream === undefined || (stream.localClosed && stream.remoteClosed)) return;
    this.connection.reset(stream, ErrorCode.CANCEL);
  }

  /** The header that came, when the attempt has won. */
  takeHead(): HeaderBlock | undefined {
    const head = this.#head;
    this.#head = undefined;
    return head;
  }

  onHeaders(link: PodLink, stream: Stream<Exchange>, block: HeaderBlock, endStream: boolean): void {
    if (!stream.headersReceived && !block.tooLarge) return;
    const status = codeOfHeader(block, this.#call.grpc);
    if (!block.tooLarge) {
      const { plan } = this.#call;
      const named = plan?.namedHeaders !== undefined && hasNamedHeader(block, plan, plan.namedHeaders);
      if (named || endStream || block.status?.staticIndex !== STATIC_200) {
        const outcome = outcomeOfHeader(block, status, endStream, link, named);
        const how = named && !endStream ? 'unsaid' : 'answered';
        if ((named || status !== GrpcStatus.OK) && this.#owner.failed(this, outcome, how)) return;
      } else if (this.#call.grpc) {
        this.#head = block.retain();
        return;
      }
    }
    this.#owner.win(this);
    this.#call.onHeaders(link, stream, block, endStream);
  }

  onData(
    link: PodLink,
    stream: Stream<Exchange>,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    this.#win(link, stream);
    this.#call.onData(link, stream, bytes, start, end, endStream);
  }

  onTrailers(link: PodLink, stream: Stream<Exchange>, block: HeaderBlock): void {
    const status = block.grpcStatus === undefined ? GrpcStatus.OK : codeOfField(block.grpcStatus);
    const outcome = outcomeOfTrailers(block, this.#head, status, link);
    if (status !== GrpcStatus.OK && this.#owner.failed(this, outcome, 'answered')) return;
    this.#win(link, stream);
    this.#call.onTrailers(link, stream, block);
  }

  onSent(count: number): void {
    this.sent(count);
  }

  onReset(link: PodLink, stream: Stream<Exchange>, reset: StreamReset): void {
    const { code, cause } = reset;
    const failure = failureOfReset(reset, link.where);
    const outcome = outcomeOfReset(reset, reset.untouched && !stream.headersReceived, failure);
    if (cause !== 'stalled' && this.#owner.failed(this, outcome, attemptEndOfReset(code, cause))) return;
    this.#owner.win(this);
    this.#call.onReset(link, stream, reset);
  }

  #win(link: PodLink, stream: Stream<Exchange>): void {
    const head = this.takeHead();
    this.#owner.win(this);
    if (head !== undefined) this.#call.onHeaders(link, stream, head, false);
  }
}
