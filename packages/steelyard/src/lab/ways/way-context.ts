import type { ChoosingPolicy, Snapshot } from '@steelyard/core/model';
import type { LogLevel, Logger } from '../../log.ts';
import type { SocketAddress } from '../../net-address.ts';
import type { Backends } from '../processes/backends.ts';
import type { Cleanup } from '../../cleanup.ts';
import type { Shares } from './expected-shares.ts';
import type { LabTarget } from '../lab-target.ts';
import type { Way } from './way.ts';

/** A way to the pods that is open for callers. */
export interface OpenWay {
  readonly way: Way;
  /** grpc-js target, for the caller's environment variable. */
  readonly target: string;
  readonly env: Readonly<Record<string, string>>;
  readonly authority?: string;
  /** What the caller itself balances by; absent where its one address is all there is to know. */
  readonly policy?: ChoosingPolicy;
  /** How many pods are to answer before counting starts. */
  readonly awaitPods: number;
  readonly expected: Shares;
  /** Who chooses, as a phrase: `the proxy's RANDOM`. */
  readonly balancedBy: string;
  /** How a call gets to a pod on this way, for a reader. */
  readonly how: string;
  /** What a reader should know before blaming the balancing, as a sentence. */
  readonly caveat?: string;
  /** What a user's own client dials; on the headless way, the DNS server. */
  readonly address: SocketAddress;
  /** A process whose network namespace the caller starts in; absent: ours. */
  readonly callerNetworkOf?: number;
}

export interface WayContext {
  readonly snapshot: Snapshot;
  readonly namespace: string;
  readonly target: LabTarget;
  readonly backends: Backends;
  readonly seed: number;
  readonly cleanup: Cleanup;
  readonly log: Logger;
  readonly logLevel: LogLevel;
}
