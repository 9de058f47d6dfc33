// oxlint-disable no-underscore-dangle -- the names are of Node.
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ReadBuffer } from './read-buffer.ts';

/** What a socket is of, below what Node documents. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

interface SocketOfHandle {
  _handle: Handle | null;
}

/**
 * An accepted connection, to be read by way of the memory that all share, as a connection of our own can be asked to.
 * `net.Server` makes its sockets itself and does not offer that (Node 20 to 24), so another socket takes over the handle.
 * That is how Node's own modules hand connections on, though `handle` is not documented; without one that looks as expected
 * the socket stays what it is, and is read by its `data` events. So are those of TLS.
 */
export class IncomingSocket {
  /** The one to use from here on. The accepted one is closed if it is another, and its listeners hear so. */
  readonly socket: Socket;
  /** What the accepted one had read already. */
  readonly #early: unknown;
  readonly #direct: boolean;
  #reader: (chunk: Uint8Array) => void = () => undefined;

  constructor(accepted: Socket, readBuffer: ReadBuffer) {
    this.#early = accepted.read();
    this.#direct = !(accepted instanceof TLSSocket) && !accepted.destroyed && hasHandle(accepted);
    // Requests are kept for another try where they were read: they are copied out of the memory that all read into.
    const onread = readBuffer.deliverTo((chunk) => this.#reader(Buffer.from(chunk)));
    this.socket = this.#direct ? takeOver(accepted, onread) : accepted;
  }

  /** To be called at once. What it reads is the reader's to keep. */
  deliverTo(reader: (chunk: Uint8Array) => void): void {
    this.#reader = reader;
    if (this.#early instanceof Uint8Array) reader(this.#early);
    if (!this.#direct) this.socket.on('data', reader);
  }
}

function takeOver(accepted: Socket & Partial<SocketOfHandle>, onread: OnReadOpts): Socket {
  if (!hasHandle(accepted)) return accepted;
  const options: SocketConstructorOpts & { readonly handle: Handle; readonly onread: OnReadOpts } = {
    handle: accepted._handle,
    allowHalfOpen: accepted.allowHalfOpen,
    onread,
  };
  const socket = new Socket(options);
  const left: SocketOfHandle = accepted;
  left._handle = null;
  accepted.once('end', () => socket.emit('end'));
  accepted.destroy();
  return socket;
}

function hasHandle(socket: Socket & Partial<SocketOfHandle>): socket is Socket & { _handle: Handle } {
  return typeof socket._handle?.useUserBuffer === 'function';
}
