import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { SocketAddress } from '../../net-address.ts';
import { listenOn } from '../../listen-on.ts';

export interface ServiceRelayOptions {
  readonly listen: SocketAddress;
  /** Where this connection goes, decided once, as NAT does; `undefined` refuses it (kube-proxy's REJECT). */
  readonly choose: (source: SocketAddress) => SocketAddress | undefined;
}

/** Stands for a ClusterIP: a plain TCP relay that knows connections and bytes, nothing of what they carry. */
export interface ServiceRelay {
  readonly address: SocketAddress;
  close(): Promise<void>;
}

export async function startServiceRelay({ listen, choose }: ServiceRelayOptions): Promise<ServiceRelay> {
  const open = new Set<Socket>();
  const track = (socket: Socket): void => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    track(client);
    const target = choose({ host: client.remoteAddress ?? '', port: client.remotePort ?? 0 });
    if (target === undefined) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const pod = connect({ ...target, allowHalfOpen: true });
    track(pod);
    // A side that breaks takes the other with it; its error is the peer's affair.
    client.on('error', () => pod.resetAndDestroy());
    pod.on('error', () => client.resetAndDestroy());
    client.once('close', () => pod.destroy());
    pod.once('close', () => client.destroy());
    client.pipe(pod).pipe(client);
  });
  const address = await listenOn(server, listen);
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
