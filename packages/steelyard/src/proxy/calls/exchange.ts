import type { Connection, HeaderBlock, Limits, ResetCause, Stream } from '@steelyard/http2';
import type { HeldHeads } from './held-heads.ts';

/** The connection to a pod that a stream is on. */
export interface PodLink {
  readonly connection: Connection<Exchange>;
  /** `ip:port`, for messages. */
  readonly where: string;
  readonly limits: Limits;
  readonly holds: HeldHeads;
}

/** How a stream to a pod ended early. */
export interface StreamReset {
  readonly code: number;
  readonly cause: ResetCause;
  readonly detail: string;
  /** Certainly nobody has looked at the request: RFC 9113 §6.8, §8.7, or it never left this process. */
  readonly untouched: boolean;
  /** There never was a connection. */
  readonly unconnected: boolean;
}

/** Whatever is under way on a stream to a pod, and hears what the pod says: a call, a copy of one, a question of our own. */
export interface Exchange {
  /** A 1xx response has `stream.headersReceived` false. */
  onHeaders(link: PodLink, stream: Stream<Exchange>, block: HeaderBlock, endStream: boolean): void;
  onData(
    link: PodLink,
    stream: Stream<Exchange>,
    bytes: Uint8Array,
    start: number,
    end: number,
    endStream: boolean,
  ): void;
  onTrailers(link: PodLink, stream: Stream<Exchange>, block: HeaderBlock): void;
  /** `count` octets of the request that had to wait have left for the pod. */
  onSent(count: number): void;
  onReset(link: PodLink, stream: Stream<Exchange>, reset: StreamReset): void;
}

/** Every stream is opened with one. */
export function exchangeOf(stream: Stream<Exchange>): Exchange {
  const exchange = stream.context;
  if (exchange === undefined) throw new Error(`stream ${stream.id} has no exchange`);
  return exchange;
}
