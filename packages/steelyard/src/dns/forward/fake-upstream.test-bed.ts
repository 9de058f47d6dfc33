// A name server on the loopback address that answers as a test says.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { TestContext } from 'node:test';
import type { SocketAddress } from '../../net-address.ts';
import { frameTcpMessage, TcpMessages } from '../message/tcp-messages.ts';
import { encodeName } from '../message/records.ts';

export interface FakeQuery {
  readonly message: Buffer;
  readonly transport: 'udp' | 'tcp';
  /** Of the sender. */
  readonly port: number;
}

export interface FakeUpstream {
  readonly address: SocketAddress;
  readonly queries: FakeQuery[];
  /** What is sent back, in this order; nothing: silence. */
  answer: (query: FakeQuery) => readonly Buffer[];
}

/** A port that is free in both; one that is free in UDP may be taken in TCP. */
export async function bindBoth(): Promise<{ readonly udp: Socket; readonly tcp: Server; readonly port: number }> {
  for (;;) {
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer().listen(port, '127.0.0.1');
    const bound = await once(tcp, 'listening').then(
      () => true,
      () => false,
    );
    if (bound) return { udp, tcp, port };
    udp.close();
  }
}

export async function startFakeUpstream(t: TestContext, answer: FakeUpstream['answer']): Promise<FakeUpstream> {
  const { udp, tcp, port } = await bindBoth();
  const upstream: FakeUpstream = { address: { host: '127.0.0.1', port }, queries: [], answer };
  const take = (query: FakeQuery): readonly Buffer[] => {
    upstream.queries.push(query);
    return upstream.answer(query);
  };
  udp.on('message', (message, sender) => {
    for (const each of take({ message, transport: 'udp', port: sender.port })) udp.send(each, sender.port, '127.0.0.1');
  });
  tcp.on('connection', (socket) => {
    const messages = new TcpMessages();
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const message of messages.push(chunk)) {
        const query = { message, transport: 'tcp', port: socket.remotePort ?? 0 } as const;
        for (const each of take(query)) socket.write(frameTcpMessage(each));
      }
    });
  });
  t.after(() => {
    udp.close();
    tcp.close();
  });
  return upstream;
}

export interface FakeRecord {
  readonly type: number;
  readonly ttl: number;
  readonly data: Buffer;
}

export interface FakeAnswer {
  readonly code?: number;
  readonly truncated?: boolean;
  readonly answers?: readonly FakeRecord[];
  readonly authorities?: readonly FakeRecord[];
}

/** An answer to `query`, which asks one question; its records are the question's name's. */
export function answerTo(
  { message }: FakeQuery,
  { code = 0, truncated = false, answers = [], authorities = [] }: FakeAnswer,
): Buffer {
  let end = 12;
  for (let length = message[end] ?? 0; length > 0; length = message[end] ?? 0) end += 1 + length;
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (truncated ? 0x200 : 0) | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authorities.length, 8);
  header.writeUInt16BE(1, 10);
  const opt = Buffer.from('0000290800000000000000', 'hex');
  return Buffer.concat([header, message.subarray(12, end + 5), ...[...answers, ...authorities].map(record), opt]);
}

function record({ type, ttl, data }: FakeRecord): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

export function a(address: string, ttl = 60): FakeRecord {
  return { type: 1, ttl, data: Buffer.from(address.split('.').map(Number)) };
}

/** With a minimum of so many seconds. */
export function soa(minimum: number, ttl = 300): FakeRecord {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(minimum, 16);
  return { type: 6, ttl, data: Buffer.concat([encodeName('ns.example'), encodeName('root.example'), numbers]) };
}
