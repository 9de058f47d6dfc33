import { createWriteStream, type WriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { Logger } from '../../log.ts';

/** Where the lines of the access log go. */
export interface AccessLogSink {
  /** Takes whole lines, many at a time. Never blocks: what the other side does not take in time is dropped. */
  write(lines: string): void;
  /** Lines that were dropped. */
  readonly dropped: number;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** Octets that may wait for the disk or the pipe. */
const MOST_WAITING = 16 * 1024 * 1024;
/** How often a file is looked at for whether it has been moved away (logrotate). */
const LOOK_EVERY_MS = 5000;

class StreamSink implements AccessLogSink {
  dropped = 0;
  #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(lines: string): void {
    if (this.#stream.writableLength > MOST_WAITING || this.broken) {
      this.#drop(lines);
      return;
    }
    this.#stream.write(lines, (error) => {
      if (error !== undefined && error !== null) this.#drop(lines);
    });
  }

  #drop(lines: string): void {
    this.dropped += lines.split('\n').length - 1;
  }

  /** Nothing more can be written to the stream. */
  get broken(): boolean {
    // One whose descriptor stays open is not destroyed by an error, but takes nothing more all the same.
    return this.#stream.destroyed || this.#stream.errored !== null;
  }

  /** Later lines go to another stream; returns the one before. */
  replace(stream: Writable): Writable {
    const before = this.#stream;
    this.#stream = stream;
    return before;
  }

  end(): void {
    this.#stream.end();
  }

  async close(): Promise<void> {
    if (this.broken) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }
}

/** To an open file descriptor, which stays open: a pipe that nobody empties must not stop the process. */
export function createDescriptorSink(fd: number, log: Logger): AccessLogSink {
  const stream = createWriteStream('', { fd, autoClose: false });
  stream.on('error', (error) => log.error(`the access log cannot be written: ${error.message}`));
  return new StreamSink(stream);
}

/**
 * Appends to a file; when it has been moved away or deleted, goes on in a new one at the same path.
 * Rejects with the system's error when the file cannot be written.
 */
export async function openFileSink(path: string, log: Logger): Promise<AccessLogSink> {
  const append = (): WriteStream => {
    const stream = createWriteStream(path, { flags: 'a' });
    stream.on('error', (error) => log.error(`the access log ${path} cannot be written: ${error.message}`));
    return stream;
  };
  const identity = async (): Promise<string> => {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  };
  // A path that cannot be written is the caller's mistake, to be told at once; and a file that is there can be told apart.
  const create = async (): Promise<string> => {
    await (await open(path, 'a')).close();
    return identity();
  };
  let current = await create();
  const sink = new StreamSink(append());
  const look = async (): Promise<void> => {
    if (!sink.broken && (await identity().catch(() => '')) === current) return;
    current = await create().catch(() => '');
    sink.replace(append()).end();
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return {
    write: (lines) => sink.write(lines),
    get dropped() {
      return sink.dropped;
    },
    async close() {
      clearInterval(timer);
      await sink.close();
      sink.end();
    },
  };
}
