/** Where to listen, or what is listened on. Port 0 asks for a free one. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}
