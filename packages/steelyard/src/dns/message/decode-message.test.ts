// A reader of DNS messages for tests: nothing of the encoder is used to judge it.

export interface DecodedRecord {
  readonly owner: string;
  readonly type: number;
  readonly ttl: number;
  /** Names in lower case, else hexadecimal. */
  readonly data: string;
}

export interface DecodedMessage {
  readonly id: number;
  readonly code: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
  readonly additional: readonly DecodedRecord[];
}

const NAMED = new Set([2, 5, 12]);
const SRV = 33;
const SOA = 6;

export function decodeMessage(message: Buffer): DecodedMessage {
  let at = 12;
  const name = (): string => {
    const labels: string[] = [];
    let cursor = at;
    let after: number | undefined;
    for (let steps = 0; steps < 128; steps++) {
      const length = message.readUInt8(cursor);
      if (length >= 0xc0) {
        after ??= cursor + 2;
        cursor = message.readUInt16BE(cursor) & 0x3fff;
        continue;
      }
      cursor += 1 + length;
      if (length === 0) break;
      labels.push(message.toString('latin1', cursor - length, cursor).toLowerCase());
    }
    at = after ?? cursor;
    return labels.join('.');
  };
  const data = (type: number, end: number): string => {
    if (NAMED.has(type)) return name();
    if (type === SOA) return `${name()} ${name()}`;
    if (type !== SRV) return message.toString('hex', at, end);
    const fixed = [0, 2, 4].map((offset) => message.readUInt16BE(at + offset)).join(' ');
    at += 6;
    return `${fixed} ${name()}`;
  };
  const records = (count: number): readonly DecodedRecord[] =>
    Array.from({ length: count }, () => {
      const owner = name();
      const [type, ttl] = [message.readUInt16BE(at), message.readUInt32BE(at + 4)];
      const end = at + 10 + message.readUInt16BE(at + 8);
      at += 10;
      const read = data(type, end);
      at = end;
      return { owner, type, ttl, data: read };
    });
  const [questions = 0, answers = 0, authorities = 0, additional = 0] = [4, 6, 8, 10].map((offset) =>
    message.readUInt16BE(offset),
  );
  for (let question = 0; question < questions; question++) {
    name();
    at += 4;
  }
  const flags = message.readUInt16BE(2);
  return {
    id: message.readUInt16BE(0),
    code: flags & 0xf,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    answers: records(answers),
    authorities: records(authorities),
    additional: records(additional),
  };
}
