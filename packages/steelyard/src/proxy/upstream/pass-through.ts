import { connect, type Socket } from 'node:net';
import type { Random } from '@steelyard/core/balance';
import type { Snapshot } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';

/**
 * Passes a connection on to one pod of the Service, octet for octet, as kube-proxy would: for what is not HTTP/2 in plain text.
 * Without a pod it is reset.
 */
export function passThrough(
  socket: Socket,
  { clusters, clusterDomain }: Snapshot,
  { namespace, name, port }: AddressedService,
  random: Random,
): void {
  const endpoints = clusters.get(`outbound|${port}||${name}.${namespace}.svc.${clusterDomain}`)?.endpoints ?? [];
  const endpoint = endpoints[Math.floor(random() * endpoints.length)];
  if (endpoint === undefined) {
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
    return;
  }
  const pod = connect({ host: endpoint.address, port: endpoint.port, allowHalfOpen: true, noDelay: true });
  // A side that breaks takes the other with it; its error is the peer's affair.
  socket.on('error', () => pod.resetAndDestroy());
  pod.on('error', () => socket.resetAndDestroy());
  socket.once('close', () => pod.destroy());
  pod.once('close', () => socket.destroy());
  socket.pipe(pod).pipe(socket);
}
