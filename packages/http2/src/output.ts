/** Most turns write a few frames to a socket; a bulk transfer goes on in large pieces. */
const SMALL = 4096;
const LARGE = 65_536;

/** Idle memory a pool holds on to: 4 MiB of either size. */
const KEEP_SMALL = 1024;
const KEEP_LARGE = 64;

/** Where buffers for output come from and go back to: one pool for all connections of a process. */
export class BufferPool {
  readonly #small: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];
  readonly #allocate: (size: number) => Uint8Array;

  /** @param allocate need not zero what it returns. */
  constructor(allocate: (size: number) => Uint8Array = (size) => new Uint8Array(size)) {
    this.#allocate = allocate;
  }

  acquire(minimum: number): Uint8Array {
    if (minimum <= SMALL) return this.#small.pop() ?? this.#allocate(SMALL);
    if (minimum <= LARGE) return this.#large.pop() ?? this.#allocate(LARGE);
    return this.#allocate(minimum);
  }

  release(buffer: Uint8Array): void {
    if (buffer.length === SMALL && this.#small.length < KEEP_SMALL) this.#small.push(buffer);
    else if (buffer.length === LARGE && this.#large.length < KEEP_LARGE) this.#large.push(buffer);
  }
}

const EMPTY = new Uint8Array(0);
const NONE: Uint8Array[] = [];

/**
 * Takes octets. Says whether it is done with them: if so their memory may serve another connection. If not, the memory is the
 * taker's; it may give it back to the {@link BufferPool} once it is done.
 *
 * @param memory the whole buffer that `bytes` is a part of.
 */
export type Write = (bytes: Uint8Array, memory: Uint8Array) => boolean;

/** What a connection wants on the wire. It owns memory only between the first octet and the flush. */
export class Output {
  buffer: Uint8Array = EMPTY;
  length = 0;
  /** Grows whenever what was written is gone from `buffer`: positions in it mean nothing afterwards. */
  generation = 0;
  /** Buffers that are full, oldest first: a bulk transfer fills one after the other, none is copied into a larger one. */
  #full: Uint8Array[] = NONE;
  readonly #pool: BufferPool;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Makes room for `count` more octets at `length`. */
  ensure(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = this.#pool.acquire(this.length === 0 ? needed : Math.max(needed, this.buffer.length * 2));
    if (this.length > 0) larger.set(this.buffer.subarray(0, this.length));
    if (this.buffer !== EMPTY) this.#pool.release(this.buffer);
    this.buffer = larger;
  }

  /** As {@link Output.ensure}, between two frames: what is there may be put aside. */
  ensureFrame(count: number): void {
    if (this.length + count > LARGE && this.length > SMALL) {
      if (this.#full === NONE) this.#full = [];
      this.#full.push(this.buffer, this.buffer.subarray(0, this.length));
      this.#restart();
    }
    this.ensure(count);
  }

  /** Hands all octets over in order. */
  flush(write: Write): void {
    const full = this.#full;
    if (full !== NONE) {
      this.#full = NONE;
      for (let i = 0; i < full.length; i += 2) {
        const buffer = full[i] as Uint8Array;
        if (write(full[i + 1] as Uint8Array, buffer)) this.#pool.release(buffer);
      }
    }
    if (this.length === 0) return;
    const { buffer, length } = this;
    this.#restart();
    if (write(buffer.subarray(0, length), buffer)) this.#pool.release(buffer);
  }

  /** Forgets all octets. */
  reset(): void {
    if (this.buffer !== EMPTY) this.#pool.release(this.buffer);
    this.#full = NONE;
    this.#restart();
  }

  #restart(): void {
    this.buffer = EMPTY;
    this.length = 0;
    this.generation++;
  }
}
