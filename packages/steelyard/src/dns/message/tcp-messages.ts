const LENGTH_PREFIX = 2;

/**
 * Cuts a TCP stream into DNS messages, each behind its length in two octets (RFC 1035 §4.2.2), however the stream was
 * torn. Holds at most one incomplete message.
 */
export class TcpMessages {
  #pending: Buffer = Buffer.alloc(0);

  /** The messages that `chunk` completes, in order. */
  push(chunk: Buffer): Buffer[] {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const messages: Buffer[] = [];
    while (rest.length >= LENGTH_PREFIX) {
      const end = LENGTH_PREFIX + rest.readUInt16BE(0);
      if (rest.length < end) break;
      messages.push(rest.subarray(LENGTH_PREFIX, end));
      rest = rest.subarray(end);
    }
    this.#pending = rest;
    return messages;
  }
}

/** A message behind its length. */
export function frameTcpMessage(message: Buffer): Buffer {
  const prefix = Buffer.allocUnsafe(LENGTH_PREFIX);
  prefix.writeUInt16BE(message.length);
  return Buffer.concat([prefix, message]);
}
