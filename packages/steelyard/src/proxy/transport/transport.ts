import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Connection, Write } from '@steelyard/http2';
import { formatAddress } from '../../net-address.ts';
import type { Engine } from './engine.ts';
import type { Flushable } from './flush-loop.ts';
import type { TransportCounts } from '../metrics/metrics-transport.ts';
import { onceConnected } from '../tls/tls-connect.ts';

/**
 * A peer that reads nothing can still make us answer (SETTINGS, PING, refusals). Above this many octets in the socket we
 * stop reading from it until it has caught up.
 */
const STOP_READING_ABOVE = 1_048_576;

/**
 * What an encrypting socket has not taken says little: it tells a turn later than it could. Were DATA to wait for that, all of it
 * would be copied once more.
 */
const PAUSE_ENCRYPTED_ABOVE = 262_144;

/** How long a peer has to take what we have still to say before we close. */
const LAST_WORDS_MS = 10_000;

/** How long a peer has to close its side after we have closed ours. */
const LINGER_MS = 1000;

/** Couples a socket with a connection of the engine. */
export class Transport<C> implements Flushable {
  readonly socket: Socket;
  readonly #connection: Connection<C>;
  readonly #engine: Engine;
  readonly #counts: TransportCounts;
  #connected: boolean;
  #endAfterFlush = false;
  #lingering = false;
  /** Octets that the socket has not taken, as far as the process is charged for them. */
  #backlog = 0;
  readonly #encrypted: boolean;
  readonly #pauseAbove: number;
  /** Memory that an encrypting socket is not yet done with, oldest first. */
  readonly #lent: Uint8Array[] = [];
  /**
   * One in plain text is nearly always done at once, and is not asked to tell. One that encrypts never is: without what it gives
   * back each write would take fresh memory, and the garbage collector most of the time.
   */
  readonly #write: Write = (bytes, memory) => {
    const { socket } = this;
    this.#counts.sentOctets += bytes.length;
    if (this.#encrypted) {
      this.#lent.push(memory);
      socket.write(bytes, this.#onWritten);
    } else {
      socket.write(bytes);
    }
    const waiting = socket.writableLength;
    if (waiting === 0) return !this.#encrypted;
    if (socket.writableNeedDrain) {
      this.#hold(waiting);
      if (waiting > this.#pauseAbove) this.#connection.setWritable(false);
      if (waiting > STOP_READING_ABOVE) socket.pause();
    }
    return false;
  };
  /** After a failure nobody knows who still reads it: it is let go of. */
  readonly #onWritten = (error?: Error | null): void => {
    const memory = this.#lent.shift();
    if (memory !== undefined && (error === undefined || error === null)) this.#engine.buffers.release(memory);
  };

  /**
   * @param counts of the side that the connection is on.
   * @param onClose the socket is gone, with the error that ended it, if any. Called once.
   */
  constructor(
    socket: Socket,
    connection: Connection<C>,
    engine: Engine,
    counts: TransportCounts,
    onClose: (error: NodeJS.ErrnoException | undefined) => void,
  ) {
    this.socket = socket;
    this.#connection = connection;
    this.#engine = engine;
    this.#counts = counts;
    counts.opened++;
    this.#connected = !socket.connecting;
    this.#encrypted = socket instanceof TLSSocket;
    this.#pauseAbove = this.#encrypted ? PAUSE_ENCRYPTED_ABOVE : 0;
    let failure: NodeJS.ErrnoException | undefined;
    socket.setNoDelay(true);
    socket.on('drain', () => {
      this.#hold(0);
      connection.setWritable(true);
      if (socket.isPaused()) socket.resume();
    });
    socket.on('error', (error) => (failure = error));
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      counts.closed++;
      this.#hold(0);
      if (failure !== undefined) counts.failed++;
      engine.clock.expire();
      onClose(failure);
      engine.clock.expire();
    });
    if (this.#connected) {
      this.schedule();
      return;
    }
    connection.setWritable(false);
    onceConnected(socket, () => {
      this.#connected = true;
      connection.setWritable(true);
      this.schedule();
    });
  }

  /** What the socket has read. */
  receive(chunk: Uint8Array): void {
    this.#counts.receivedOctets += chunk.length;
    this.#engine.clock.expire();
    this.#connection.receive(chunk);
  }

  /** `ip:port` of the other side, empty once it is gone. */
  get peer(): string {
    const { remoteAddress = '', remotePort = 0 } = this.socket;
    return remoteAddress === '' ? '' : formatAddress({ host: remoteAddress, port: remotePort });
  }

  /** IP address of the other side, an IPv4 one in its own form however it came; empty once it is gone. */
  get address(): string {
    return (this.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
  }

  /** IP address that the connection came in at; empty once it is gone. */
  get localAddress(): string {
    return this.socket.localAddress ?? '';
  }

  /** Octets that wait in the socket. */
  get backlog(): number {
    return this.#backlog;
  }

  #hold(waiting: number): void {
    const { budget } = this.#engine.memory;
    const more = waiting - this.#backlog;
    this.#backlog = waiting;
    if (more > 0) budget.charge(more);
    else if (more < 0) budget.release(-more);
  }

  schedule(): void {
    this.#engine.loop.schedule(this);
  }

  flush(): void {
    if (!this.#connected || this.socket.destroyed) return;
    this.#connection.flush(this.#write);
    if (this.#endAfterFlush && !this.#lingering) this.#linger();
  }

  #linger(): void {
    const { socket } = this;
    this.#lingering = true;
    const destroy = (): void => void socket.destroy();
    let timer = setTimeout(destroy, LAST_WORDS_MS);
    socket.end(() => {
      clearTimeout(timer);
      if (!socket.destroyed) timer = setTimeout(destroy, LINGER_MS);
    });
    socket.once('close', () => clearTimeout(timer));
  }

  /** Says what there is to say as far as the socket takes it, and lets go of the rest. */
  abort(): void {
    this.flush();
    this.socket.destroy();
  }

  /** Closes our side once the output so far is written, and the whole when the peer has closed its own. */
  end(): void {
    this.#endAfterFlush = true;
    this.schedule();
  }
}
