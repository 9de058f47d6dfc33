import type { Random } from '@steelyard/core/balance';
import type { SnapshotSource } from '@steelyard/core/model';
import type { Logger } from '../log.ts';
import type { SocketAddress } from '../net-address.ts';

export interface ProxyOptions {
  readonly snapshots: SnapshotSource;
  readonly listen: SocketAddress;
  /** `NAME.NAMESPACE:PORT`: the Service meant when a call's `:authority` names none. */
  readonly service?: string;
  /** Short names in `:authority` are of this namespace. */
  readonly namespace: string;
  readonly log: Logger;
  readonly random?: Random;
}

export interface Proxy {
  readonly address: SocketAddress;
  /** Takes no new connections or calls, lets those under way finish for at most `timeoutMs`, then closes. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  throw new Error(`proxy on ${options.listen.host}: under construction`);
}
