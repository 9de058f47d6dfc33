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

/** What a connection wants on the wire. It owns memory only between the first octet and the flush. */
export class Output {
  buffer: Uint8Array = EMPTY;
  length = 0;
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

  /** The octets have been copied away by their reader: the memory may serve another connection. */
  reset(): void {
    if (this.buffer !== EMPTY) this.#pool.release(this.buffer);
    this.detach();
  }

  /** Somebody still reads the octets: forget the memory. */
  detach(): void {
    this.buffer = EMPTY;
    this.length = 0;
  }
}
