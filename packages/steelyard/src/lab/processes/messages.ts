import type { ChoosingPolicy, Snapshot } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import type { LogLevel } from '../../log.ts';
import type { SocketAddress } from '../../net-address.ts';

/** To a backend process: be this pod. */
interface StartBackend {
  readonly kind: 'start-backend';
  readonly pod: string;
  /** `ip:port` in the manifests. */
  readonly address: string;
  readonly listen: SocketAddress;
}

/** To a proxy process. The Snapshot's endpoints are the loopback ones. */
interface StartProxy {
  readonly kind: 'start-proxy';
  readonly snapshot: Snapshot;
  readonly service: AddressedService;
  readonly namespace: string;
  readonly seed: number;
  readonly logLevel: LogLevel;
  /** Absent: a free port on loopback. */
  readonly listen?: SocketAddress;
}

/** To a process that is the cluster's DNS. */
interface StartDns {
  readonly kind: 'start-dns';
  readonly snapshot: Snapshot;
  readonly listen: SocketAddress;
  readonly ttlSeconds: number;
  readonly seed: number;
  readonly logLevel: LogLevel;
}

/** To a process that is node mode on the node with this address; it answers once the rules are in effect. */
interface StartNode {
  readonly kind: 'start-node';
  readonly snapshot: Snapshot;
  readonly address: string;
  readonly namespace: string;
  readonly seed: number;
  readonly logLevel: LogLevel;
}

/** To a caller process, which takes its target from the environment ({@link TARGET_VARIABLE}). */
interface RunCalls {
  readonly kind: 'run-calls';
  readonly calls: number;
  readonly concurrency: number;
  /** Of the caller's own choices. */
  readonly seed: number;
  /** Pods that should answer before counting starts, so that no share depends on who connected first. */
  readonly awaitPods: number;
  /** How the caller itself balances over the addresses its target resolves to. */
  readonly policy?: ChoosingPolicy;
  /** `:authority` of the calls, where it is not the target's. */
  readonly authority?: string;
}

/** To a backend process: end as a Pod does upon SIGTERM; what is under way is finished. */
interface DrainBackend {
  readonly kind: 'drain-backend';
}

/** From a backend process: nothing is under way any more, and nobody is let in. */
interface Drained {
  readonly kind: 'drained';
}

/** To a caller process: call at a steady rate until told to stop. */
export interface DriveSteadily {
  readonly kind: 'drive-steadily';
  readonly perSecond: number;
  /** Of the caller's own choices. */
  readonly seed: number;
  /** Pods that should have answered before it counts as begun. */
  readonly awaitPods: number;
  /** grpc-js's service config, as JSON. */
  readonly serviceConfig: string;
}

/** From a caller process: its pods have answered, and it goes on. */
interface SteadyBegun {
  readonly kind: 'steady-begun';
}

interface StopCalls {
  readonly kind: 'stop-calls';
}

/** From a caller process that was told to stop: all it has seen. */
interface SteadyDone {
  readonly kind: 'steady-done';
  readonly buckets: readonly CallBucket[];
  /** When each pod first answered; milliseconds since the epoch, as all moments here. */
  readonly firstAnswerMs: ReadonlyMap<string, number>;
}

/** Calls that ended within a tenth of a second. */
export interface CallBucket {
  readonly startMs: number;
  readonly callsByPod: ReadonlyMap<string, number>;
  readonly callsByFailure: ReadonlyMap<string, number>;
}

/** From a server process: it accepts connections. */
interface Listening {
  readonly kind: 'listening';
  readonly address: SocketAddress;
}

/** From a caller process, now and then. */
interface CallsDone {
  readonly kind: 'calls-done';
  readonly done: number;
}

/** From a caller process, at the end. */
export interface CallsMeasured {
  readonly kind: 'calls-measured';
  readonly tally: Tally;
  readonly latency: Latency;
  readonly elapsedMs: number;
}

/** From any of them: it cannot do what it was told. `code` is the system's (`EADDRINUSE`), where it has one. */
interface Failed {
  readonly kind: 'failed';
  readonly code?: string;
  readonly message: string;
}

/** What became of a number of calls. */
export interface Tally {
  readonly calls: number;
  readonly errors: number;
  /** By the pod's `ip:port` in the manifests. */
  readonly callsByPod: ReadonlyMap<string, number>;
  /** Status and details of the failed ones, as `UNAVAILABLE: …`. */
  readonly callsByFailure: ReadonlyMap<string, number>;
}

/** Of the calls that succeeded, from start to status; zero when none did. */
export interface Latency {
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Whatever the lab's processes say to one another, over the channel that `fork` gives them. */
export type LabMessage =
  | StartBackend
  | DrainBackend
  | StartProxy
  | StartDns
  | StartNode
  | RunCalls
  | DriveSteadily
  | StopCalls
  | Listening
  | Drained
  | CallsDone
  | CallsMeasured
  | SteadyBegun
  | SteadyDone
  | Failed;

/** The environment variable every caller takes its target from, as the article's consumer does. */
export const TARGET_VARIABLE = 'BACKEND_ADDR';

/** The channel carries only our own processes' messages, so the kind is proof enough of the rest. */
export function isMessage<K extends LabMessage['kind']>(
  value: unknown,
  kind: K,
): value is Extract<LabMessage, { kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}
