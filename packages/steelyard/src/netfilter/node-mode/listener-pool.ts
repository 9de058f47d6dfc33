import type { IpFamily } from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';
import type { Logger } from '../../log.ts';
import type { SocketAddress } from '../../net-address.ts';
import { familyOf, type NodeAddresses } from './node-rules.ts';
import type { BalancedPort } from './select-ports.ts';

export interface PortListener {
  readonly address: SocketAddress;
  /** Connections so far. */
  readonly accepted: number;
  /** Takes no new connections; those there are go on. */
  close(): void;
}

/** Listens for calls to a Service port. Rejects with the system's error. */
export type OpenListener = (
  listen: SocketAddress,
  service: { readonly namespace: string; readonly name: string; readonly port: number },
) => Promise<PortListener>;

/** A listener for each Service port and family that is wanted. */
export interface ListenerPool {
  /** Opens what is missing; what is not wanted any more is closed by a later {@link ListenerPool.sweep}. */
  keep(ports: readonly BalancedPort[]): Promise<void>;
  /** Connections that the listeners which are open have accepted. */
  readonly accepted: number;
  portOf(port: BalancedPort, family: IpFamily): number | undefined;
  /** Closes what has not been wanted for a while: SYNs that the rules sent there before are still on their way. */
  sweep(): void;
  close(): void;
}

const LINGER_MS = 1000;

export function createListenerPool(addresses: NodeAddresses, open: OpenListener, log: Logger): ListenerPool {
  const listeners = new Map<string, PortListener>();
  const unwanted: { readonly listener: PortListener; readonly since: number }[] = [];
  let closed = false;

  return {
    async keep(ports) {
      const wanted = new Set<string>();
      for (const port of ports) {
        for (const family of new Set(port.addresses.map(familyOf))) {
          const host = addresses[family];
          if (host === undefined) continue;
          const key = keyOf(port, family);
          wanted.add(key);
          if (listeners.has(key)) continue;
          try {
            const listener = await open({ host, port: 0 }, port);
            if (closed) listener.close();
            else listeners.set(key, listener);
          } catch (error) {
            const why = error instanceof Error ? error.message : String(error);
            log.error(`${serviceKey(port.namespace, port.name)}:${port.port} stays with kube-proxy: ${why}`);
          }
        }
      }
      for (const [key, listener] of listeners) {
        if (wanted.has(key)) continue;
        listeners.delete(key);
        unwanted.push({ listener, since: performance.now() });
      }
    },
    get accepted() {
      let sum = 0;
      for (const { accepted } of listeners.values()) sum += accepted;
      return sum;
    },
    portOf: (port, family) => listeners.get(keyOf(port, family))?.address.port,
    sweep() {
      while (unwanted[0] !== undefined && performance.now() - unwanted[0].since >= LINGER_MS) {
        unwanted.shift()?.listener.close();
      }
    },
    close() {
      closed = true;
      for (const listener of listeners.values()) listener.close();
      for (const { listener } of unwanted.splice(0)) listener.close();
      listeners.clear();
    },
  };
}

function keyOf({ namespace, name, port }: BalancedPort, family: IpFamily): string {
  return `${serviceKey(namespace, name)}:${port} ${family}`;
}
