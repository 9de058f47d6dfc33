import type { Writable } from 'node:stream';

const CHUNK = 64 * 1024;

/** Gathers what one turn of the event loop writes to a socket, small parts in one buffer, large ones by reference. */
export class Output {
  /** Where {@link reserve} points into. */
  bytes: Buffer = Buffer.allocUnsafe(CHUNK);
  #from = 0;
  #to = 0;
  #parts: Buffer[] = [];

  /** Room for `length` octets (at most 64 KiB) that the caller fills; returns where in {@link bytes}. */
  reserve(length: number): number {
    if (this.#to + length > this.bytes.length) {
      this.#close();
      this.bytes = Buffer.allocUnsafe(CHUNK);
      this.#from = 0;
      this.#to = 0;
    }
    const at = this.#to;
    this.#to += length;
    return at;
  }

  /** Gives back what the last {@link reserve} did not need: all from `end` on. */
  shrink(end: number): void {
    this.#to = end;
  }

  copy(part: Buffer): void {
    const at = this.reserve(part.length);
    part.copy(this.bytes, at);
  }

  /** Takes `part` by reference: it must not change. */
  append(part: Buffer): void {
    this.#close();
    this.#parts.push(part);
  }

  flush(socket: Writable): void {
    this.#close();
    const parts = this.#parts;
    const [first] = parts;
    if (first === undefined) return;
    this.#parts = [];
    if (parts.length === 1) {
      socket.write(first);
      return;
    }
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  }

  #close(): void {
    if (this.#to > this.#from) this.#parts.push(this.bytes.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
