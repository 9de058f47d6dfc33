import type { AddressedService } from '@steelyard/core/routing';
import type { SocketAddress } from '../net-address.ts';
import { listenForConnections, startAcceptor } from './proxy-acceptor.ts';
import type { Serving, ServingOptions } from './proxy-options.ts';

/** A proxy that listens once for each Service port that is dialled. */
export interface ProxyListeners extends Serving {
  /**
   * Listens for calls to this Service port, whatever their `:authority` says. Rejects with the system's error
   * (`EADDRINUSE`, …) when the address cannot be listened on.
   */
  open(listen: SocketAddress, service: AddressedService): Promise<ProxyListener>;
}

export interface ProxyListener {
  readonly address: SocketAddress;
  /** Connections so far. */
  readonly accepted: number;
  /** Takes no new connections; those there are go on. */
  close(): void;
}

/** Starts the proxy of node mode; nothing is listened on yet. */
export async function startListeners(options: ServingOptions): Promise<ProxyListeners> {
  const acceptor = await startAcceptor(options);
  const open = new Set<ProxyListener>();
  const closeAll = (): void => {
    for (const listener of open) listener.close();
  };
  return {
    async open(listen, service) {
      const server = await listenForConnections(listen, options);
      const entrance = { kind: 'dialled', service } as const;
      let accepted = 0;
      server.deliver((socket) => {
        accepted++;
        acceptor.accept(socket, entrance);
      });
      const listener: ProxyListener = {
        address: server.address,
        get accepted() {
          return accepted;
        },
        close() {
          open.delete(listener);
          server.close();
        },
      };
      open.add(listener);
      return listener;
    },
    get workers() {
      return acceptor.workers;
    },
    report: () => acceptor.report(),
    leaving: () => acceptor.leaving(),
    drain(timeoutMs) {
      closeAll();
      return acceptor.drain(timeoutMs);
    },
    close() {
      closeAll();
      return acceptor.close();
    },
  };
}
