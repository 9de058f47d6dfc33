import type { ConnectionError } from './error-code.ts';
import type { HeaderBlock } from './hpack/header-block.ts';
import type { Stream } from './stream.ts';

/**
 * Why a stream ended early:
 * - `peer`: it sent RST_STREAM;
 * - `malformed`: its message broke RFC 9113 §8.1.1 or a stream rule, and we reset it; with ENHANCE_YOUR_CALM: it was cut into far
 *   too many frames;
 * - `unprocessed`: it is above the last id of the peer's GOAWAY, so nobody has seen the request (§6.8);
 * - `stalled`: its reader takes nothing, or too much waits for this peer, and we reset it;
 * - `connection`: the whole connection failed or was closed.
 */
export type ResetCause = 'peer' | 'malformed' | 'unprocessed' | 'stalled' | 'connection';

/**
 * What a connection tells its owner, synchronously from `receive` (or from the command that caused it). Blocks are
 * valid only during the call. A handler may give commands to this or any other connection meanwhile.
 */
export interface ConnectionHandler<C> {
  /** A request (server) or response (client) begins. A 1xx response may come several times before the final one. */
  onHeaders(stream: Stream<C>, block: HeaderBlock, endStream: boolean): void;
  /** `bytes[start…end)`, possibly empty when `endStream`. Give the credit back by `consume` once it is passed on. */
  onData(stream: Stream<C>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  /** Trailers end the stream. */
  onTrailers(stream: Stream<C>, block: HeaderBlock): void;
  /** `count` octets of DATA that had to wait have left for the socket. */
  onSent(stream: Stream<C>, count: number): void;
  /** The stream is closed without having ended properly. */
  onReset(stream: Stream<C>, code: number, cause: ResetCause, detail: string): void;
  /** A request was refused before the handler heard of it: with REFUSED_STREAM for a limit, else since it is malformed. */
  onRefused?(streamId: number, code: number, detail: string): void;
  /** The peer takes no new streams from us (client) or will open none (server). */
  onGoAway(lastStreamId: number, code: number, debug: string): void;
  /** The peer's SETTINGS have arrived or changed. */
  onSettings(): void;
  /** The last stream is gone, and either side has said GOAWAY. */
  onDrained(): void;
  /** The peer broke the protocol. GOAWAY is in the output, all streams have been reset: flush and close. */
  onConnectionError(error: ConnectionError): void;
  /** There is output where there was none: see to a flush before the turn ends. */
  onOutput(): void;
}
