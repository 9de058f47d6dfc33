import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';

type Reply =
  | { readonly addresses: readonly string[]; readonly ttl?: number }
  | { readonly services: readonly { readonly target: string; readonly port: number; readonly priority?: number }[] }
  /** A response code: 2 fails, 3 there is no such name, 5 refused. */
  | { readonly code: number }
  | 'silence'
  | 'garbage';

const TYPE_A = 1;
const TYPE_AAAA = 28;
const TYPE_SRV = 33;

/** A DNS server over UDP that answers as a test says, and notes what it was asked. Names not told of do not exist. */
export class ScriptedDns {
  readonly #socket: Socket = createSocket('udp4');
  readonly names = new Map<string, Reply>();
  /** `A name`, in order. */
  readonly asked: string[] = [];
  address = '';

  async start(): Promise<this> {
    this.#socket.on('message', (query, peer) => {
      const answer = this.#answer(query);
      if (answer !== undefined) this.#socket.send(answer, peer.port, peer.address);
    });
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve));
    this.address = `127.0.0.1:${this.#socket.address().port}`;
    return this;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1);
    const name = labels.join('.').toLowerCase();
    this.asked.push(`${type === TYPE_A ? 'A' : type === TYPE_AAAA ? 'AAAA' : 'SRV'} ${name}`);
    const reply = this.names.get(name) ?? { code: 3 };
    if (reply === 'silence') return undefined;
    if (reply === 'garbage')
      return Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, 9]), Buffer.alloc(6, 0xff)]);
    const records = 'code' in reply ? [] : recordsOf(reply, type);
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | ('code' in reply ? reply.code : 0), 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, query.subarray(12, at + 5), ...records]);
  }
}

function recordsOf(reply: Exclude<Reply, string | { code: number }>, type: number): Buffer[] {
  if ('services' in reply) {
    if (type !== TYPE_SRV) return [];
    return reply.services.map(({ target, port, priority = 0 }) => {
      const data = Buffer.alloc(6);
      data.writeUInt16BE(priority, 0);
      data.writeUInt16BE(port, 4);
      const name = target.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
      return record(TYPE_SRV, 30, Buffer.concat([data, ...name, Buffer.from([0])]));
    });
  }
  const family = type === TYPE_A ? 4 : type === TYPE_AAAA ? 6 : 0;
  return reply.addresses
    .filter((address) => isIP(address) === family)
    .map((address) => record(type, reply.ttl ?? 30, bytesOf(address)));
}

function record(type: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** IPv6 in short form with one `::` only. */
function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [left = '', right = ''] = address.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const bytes = Buffer.alloc(16);
  for (const [index, word] of words(left).entries()) bytes.writeUInt16BE(word, index * 2);
  for (const [index, word] of words(right).toReversed().entries()) bytes.writeUInt16BE(word, 14 - index * 2);
  return bytes;
}
