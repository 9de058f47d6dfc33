const LINE_FEED = 0x0a;

/** Cuts a watch stream into its events, one JSON value a line, however the stream was torn. */
export class JsonLines {
  #pending: Buffer[] = [];

  /** The values that `chunk` completes. Throws SyntaxError when one is not JSON. */
  push(chunk: Buffer): unknown[] {
    const values: unknown[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, from);
      if (end === -1) break;
      const line = this.#complete(chunk.subarray(from, end));
      from = end + 1;
      if (line.trim() !== '') values.push(JSON.parse(line));
    }
    if (from < chunk.length) this.#pending.push(chunk.subarray(from));
    return values;
  }

  #complete(end: Buffer): string {
    if (this.#pending.length === 0) return end.toString('utf8');
    const line = Buffer.concat([...this.#pending, end]).toString('utf8');
    this.#pending = [];
    return line;
  }
}
