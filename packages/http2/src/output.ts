/** Where buffers for output come from and go back to: one pool for all connections of a process. */
export class BufferPool {
  readonly #free: Uint8Array[] = [];
  readonly #allocate: (size: number) => Uint8Array;
  readonly #keep: number;

  /** @param allocate need not zero what it returns. @param keep how many idle buffers of 64 KiB to hold on to. */
  constructor(allocate: (size: number) => Uint8Array = (size) => new Uint8Array(size), keep = 64) {
    this.#allocate = allocate;
    this.#keep = keep;
  }

  acquire(minimum: number): Uint8Array {
    if (minimum > STANDARD_SIZE) return this.#allocate(minimum);
    return this.#free.pop() ?? this.#allocate(STANDARD_SIZE);
  }

  release(buffer: Uint8Array): void {
    if (buffer.length === STANDARD_SIZE && this.#free.length < this.#keep) this.#free.push(buffer);
  }
}

const STANDARD_SIZE = 65_536;
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
