import type { HeaderBlock } from './hpack/header-block.ts';
import type { TokenBucket } from './token-bucket.ts';

/** The queue of a stream that never had one: nearly all. */
export const NOTHING: Uint8Array[] = [];

/**
 * One stream of a connection. Both directions close on their own (RFC 9113 §5.1): the record leaves the connection's
 * table when both are closed, or with the first RST_STREAM either way.
 *
 *     open ── END_STREAM sent ──► half-closed (local) ── END_STREAM received ──► closed
 *       └──── END_STREAM received ► half-closed (remote) ── END_STREAM sent ──►───┘
 *
 * Fields are the connection's; a handler reads `id`, `closed` and owns `context`.
 */
export class Stream<C> {
  readonly id: number;
  /** The handler's own record of the call. */
  context: C | undefined = undefined;
  /** Nothing can be sent or received any more. */
  closed = false;
  localClosed = false;
  remoteClosed = false;
  /** The final (not 1xx) header block has arrived: the next one is trailers. */
  headersReceived = false;
  /** The request is one of HEAD: whatever its response's header says, no content follows (RFC 9110 §9.3.2). */
  readonly head: boolean;
  /** Octets we may still send; negative after the peer lowered its INITIAL_WINDOW_SIZE (§6.9.2). */
  sendWindow: number;
  /** Octets the peer may still send. */
  receiveWindow: number;
  /** Octets that the peer's request is taken to hold until the stream closes; 0 on the client's side. */
  cost = 0;
  /** Octets consumed by the handler for which no WINDOW_UPDATE has gone out yet. */
  unacknowledged = 0;
  /** Of `content-length`, -1 without one; 0 of a response that has no content whatever that says. */
  expectedLength = -1;
  receivedLength = 0;
  /** 1xx responses, and DATA frames without content, so far. */
  interim = 0;
  empty = 0;
  /** Very small DATA frames that have not been charged for yet, and what they are charged to: nearly none has any. */
  crumbs = 0;
  crumbBudget: TokenBucket | undefined = undefined;
  /** What flow control or a full socket holds back. */
  queue: Uint8Array[] = NOTHING;
  queuedLength = 0;
  /** The queue ends the stream: by the last DATA, or by these trailers. */
  queuedEnd = false;
  queuedTrailers: HeaderBlock | undefined = undefined;
  /** Some of the queue has gone since the last look at the clock. */
  moved = false;
  /** When the queue was last seen not to move, in the clock's milliseconds; -1 before the first look. */
  stalledSince = -1;
  /** It stands in the connection's line of streams that have something to send, between these two. */
  inLine = false;
  before: Stream<C> | undefined = undefined;
  behind: Stream<C> | undefined = undefined;

  constructor(id: number, head: boolean, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.head = head;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get hasQueue(): boolean {
    return this.queuedLength > 0 || this.queuedEnd;
  }
}
