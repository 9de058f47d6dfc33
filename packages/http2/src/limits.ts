import { MAX_WINDOW } from './frame.ts';

/**
 * What a connection bears from its peer. The defaults stand at the strict end of what trusted proxies have; docs/limits.md
 * says for each which attack it answers.
 */
export interface Limits {
  /** Streams the peer may have open at once (server). gRPC clients queue in silence above it, so it is not small. */
  readonly maxConcurrentStreams: number;
  /** Octets a peer may send on a stream before it hears from us: what one stalled call can hold. */
  readonly streamWindow: number;
  /** The same for the whole connection; at least 65,535. */
  readonly connectionWindow: number;
  /** Largest header list, in octets as RFC 9113 §6.5.2 counts. Four times as much ends the connection. */
  readonly maxHeaderListSize: number;
  /** Field lines in one header block. */
  readonly maxHeaderFields: number;
  /** Frames that one header block may be cut into. */
  readonly maxHeaderFrames: number;
  /** Octets that may be held for a peer: DATA that it does not take, the headers of its open calls. */
  readonly maxQueuedLength: number;
  /** The same over all connections of a process, both sides; requests that are kept for another try count too. */
  readonly maxProcessLength: number;
  /** Connections of callers that a process takes: whoever accepts them sees to it. */
  readonly maxConnections: number;
  /** Streams that may be reset in a row, by the peer or because of it. Each that ends well gives one back, and time does. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Frames without use for a call that may come in a row: PING, SETTINGS, PRIORITY, DATA without content, … */
  readonly oddityBurst: number;
  readonly odditiesPerSecond: number;
  /** Time for preface, SETTINGS and the acknowledgement of ours. */
  readonly handshakeTimeoutMs: number;
  /** Time for a header block to become complete. */
  readonly headerTimeoutMs: number;
  /** How long a stream's DATA may wait without any of it being taken. */
  readonly stallTimeoutMs: number;
  /** How long a connection may stay without streams; 0: for ever. */
  readonly idleTimeoutMs: number;
  /** PINGs may come this often while no call sends anything, as gRPC servers allow it (gRFC A8); two too many are borne. */
  readonly minPingIntervalMs: number;
  /** Silence on a connection with calls after which it is asked whether it is still there; 0: never. */
  readonly keepaliveAfterMs: number;
  /** Time for the answer. */
  readonly keepaliveTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxConcurrentStreams: 1024,
  streamWindow: 262_144,
  connectionWindow: 4_194_304,
  maxHeaderListSize: 65_536,
  maxHeaderFields: 100,
  maxHeaderFrames: 8,
  maxQueuedLength: 16_777_216,
  maxProcessLength: 268_435_456,
  maxConnections: 50_000,
  resetBurst: 1000,
  resetsPerSecond: 33,
  oddityBurst: 1000,
  odditiesPerSecond: 100,
  handshakeTimeoutMs: 10_000,
  headerTimeoutMs: 10_000,
  stallTimeoutMs: 300_000,
  idleTimeoutMs: 3_600_000,
  minPingIntervalMs: 300_000,
  keepaliveAfterMs: 5000,
  keepaliveTimeoutMs: 3000,
};

const DAY_MS = 86_400_000;

/**
 * The least and the most each may be set to, whole numbers. Below the least ordinary calls do not get through, or the
 * protocol does not allow it; 0 is allowed where it means "never".
 */
export const LIMIT_RANGES: Readonly<Record<keyof Limits, readonly [least: number, most: number]>> = {
  maxConcurrentStreams: [1, MAX_WINDOW],
  streamWindow: [1, MAX_WINDOW],
  connectionWindow: [65_535, MAX_WINDOW],
  maxHeaderListSize: [1024, 16_777_216],
  maxHeaderFields: [16, 65_536],
  maxHeaderFrames: [1, 1024],
  maxQueuedLength: [65_536, MAX_WINDOW],
  maxProcessLength: [1_048_576, 1_099_511_627_776],
  maxConnections: [1, MAX_WINDOW],
  resetBurst: [1, MAX_WINDOW],
  resetsPerSecond: [0, MAX_WINDOW],
  oddityBurst: [16, MAX_WINDOW],
  odditiesPerSecond: [0, MAX_WINDOW],
  handshakeTimeoutMs: [100, DAY_MS],
  headerTimeoutMs: [100, DAY_MS],
  stallTimeoutMs: [1000, DAY_MS],
  idleTimeoutMs: [0, MAX_WINDOW],
  minPingIntervalMs: [0, DAY_MS],
  keepaliveAfterMs: [0, DAY_MS],
  keepaliveTimeoutMs: [100, DAY_MS],
};
