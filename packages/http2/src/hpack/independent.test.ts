// Header lists through HPACK implementations that share nothing with ours: Python's hpack, and nghttp2 in node:http2.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp2Server, type IncomingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Pick, randomOf } from '@steelyard/testkit';
import { Connection } from '../connection.ts';
import type { ConnectionHandler } from '../handler.ts';
import { BufferPool, Output } from '../output.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { createField, type Field } from './field.ts';
import { FieldCache } from './field-cache.ts';
import { HeaderBlock } from './header-block.ts';

/** The interpreter that has the package `hpack`; the gate installs it. */
const python = process.env['PYTHON'] ?? 'python3';

type Line = readonly [name: string, value: string, never: boolean];

/** What one block has, and the size that its sender's table is given before it. */
interface Step {
  readonly size: number | undefined;
  readonly lines: readonly Line[];
}

const names = [
  'x-a',
  'x-b',
  'authorization',
  'cookie',
  'grpc-timeout',
  'user-agent',
  'x-a-rather-long-name-of-a-field',
];

function someLine(pick: Pick): Line {
  const name = names[pick(names.length)] ?? '';
  const kind = pick(4);
  if (kind === 0) return [name, 'the same again and again', false];
  if (kind === 1) return [name, String(pick(50)), false];
  // Python's hpack refers to an entry it finds in its table, were it never-indexed or not: those must be new.
  const octets = Array.from({ length: 8 + pick(kind === 2 ? 40 : 300) }, () => 0x21 + pick(0x5e));
  return [name, String.fromCharCode(...octets), pick(6) === 0];
}

function someSteps(count: number, sizes: readonly number[]): Step[] {
  const pick = randomOf(7);
  return Array.from({ length: count }, () => ({
    size: pick(10) === 0 ? sizes[pick(sizes.length)] : undefined,
    lines: Array.from({ length: 1 + pick(12) }, () => someLine(pick)),
  }));
}

function runPython(program: string, input: unknown): unknown {
  const { status, stdout, stderr } = spawnSync(python, ['-c', program], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr.slice(-500));
  const result: unknown = JSON.parse(stdout);
  return result;
}

const ENCODE = `
import sys, json, hpack
encoder = hpack.Encoder()
out = []
for step in json.load(sys.stdin):
    if step.get('size') is not None: encoder.header_table_size = step['size']
    out.append(encoder.encode([(n, v, s) for n, v, s in step['lines']], huffman=len(out) % 3 > 0).hex())
json.dump(out, sys.stdout)
`;

const DECODE = `
import sys, json, hpack
decoder = hpack.Decoder()
out = []
for step in json.load(sys.stdin):
    if step.get('size') is not None: decoder.max_allowed_table_size = step['size']
    got = decoder.decode(bytes.fromhex(step['block']), raw=True)
    out.append([[h[0].decode('latin1'), h[1].decode('latin1'), not h.indexable] for h in got])
json.dump(out, sys.stdout)
`;

const hasHpack = spawnSync(python, ['-c', 'import hpack']).status === 0;
const skip = hasHpack
  ? false
  : `${python} has no package "hpack": pip install hpack, and name the interpreter in PYTHON`;

test("Python's hpack: its blocks through our tables and back to it", { skip }, () => {
  const steps = someSteps(300, [0, 64, 300, 1000, 4096]);
  const blocks = runPython(ENCODE, steps);
  assert.ok(Array.isArray(blocks));
  const decoder = new Decoder(new FieldCache(64));
  const encoder = new Encoder();
  // Our encoder's table is as large as its peer allows, which changes for reasons of its own.
  const allowed = someSteps(300, [0, 100, 512, 4096, 65_536]).map(({ size }) => size);
  const sent = blocks.map((hex: unknown, i) => {
    const bytes = Buffer.from(String(hex), 'hex');
    const block = new HeaderBlock(1_000_000, 1000);
    block.begin('trailers');
    decoder.decode(bytes, 0, bytes.length, block);
    assert.deepEqual(linesOf(block), steps[i]?.lines, `block ${i}`);
    const size = allowed[i];
    if (size !== undefined) encoder.setMaximumSize(size);
    const out = new Output(new BufferPool());
    encoder.encode(block.fields, block.count, out);
    return { size, block: Buffer.from(out.buffer.subarray(0, out.length)).toString('hex') };
  });
  const back = runPython(DECODE, sent);
  assert.ok(Array.isArray(back));
  for (const [i, { lines }] of steps.entries()) assert.deepEqual(back[i], lines, `block ${i}`);
});

function linesOf(block: HeaderBlock): Line[] {
  return block.fields.slice(0, block.count).map((field: Field) => [field.name.text, field.text, field.neverIndexed]);
}

/** Keeps what comes back of each stream. */
class Caller implements ConnectionHandler<Line[]> {
  onHeaders(stream: { context: Line[] | undefined }, block: HeaderBlock): void {
    stream.context?.push(...linesOf(block));
  }
  onConnectionError(error: Error): void {
    throw error;
  }
  onReset(): void {
    assert.fail('no stream may be reset');
  }
  onData(): void {}
  onTrailers(): void {}
  onSent(): void {}
  onGoAway(): void {}
  onSettings(): void {}
  onDrained(): void {}
  onOutput(): void {}
}

test('nghttp2: requests and responses over one connection, never-indexed fields included', async (t) => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createHttp2Server({ settings: { headerTableSize: 512 } });
  server.on('stream', (stream, headers) => {
    seen.push(headers);
    const own = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-')));
    const sensitive = sensitiveOf(headers).filter((name) => name.startsWith('x-'));
    stream.respond(Object.assign(own, { ':status': 200, [sensitiveHeaders]: sensitive }), { endStream: true });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const socket = connect(address.port, '127.0.0.1');
  t.after(() => {
    socket.destroy();
    server.close();
  });
  await once(socket, 'connect');
  const connection = new Connection<Line[]>(new Caller(), {
    role: 'client',
    fields: new FieldCache(64),
    buffers: new BufferPool(),
    now: () => 0,
  });
  const flush = (): void =>
    connection.flush((bytes) => {
      socket.write(Uint8Array.from(bytes));
      return true;
    });
  socket.on('data', (chunk) => {
    connection.receive(chunk);
    flush();
  });

  const decoder = new Decoder(new FieldCache(64));
  // node:http2 joins or drops fields of the same name, so each comes once.
  const requests = someSteps(200, []).map(({ lines }) => lines.filter(isFirstOfItsName));
  const replies = requests.map((lines): Line[] => {
    const got: Line[] = [];
    const fields = lines.map(([name, value, never]) =>
      never ? neverIndexed(decoder, name, value) : createField(name, value),
    );
    const pseudo = [':method GET', ':scheme http', ':path /', ':authority localhost'].map((text) => {
      const [name = '', value = ''] = text.split(' ');
      return createField(name, value, 'constant');
    });
    connection.request(HeaderBlock.of([...pseudo, ...fields]), true, got);
    return got;
  });
  flush();
  while (connection.streamCount > 0) {
    if (connection.streamCount === requests.length - seen.length && socket.destroyed)
      assert.fail('the connection is gone');
    await turn();
  }
  for (const [i, lines] of requests.entries()) {
    for (const [name, value, never] of lines) {
      assert.equal(seen[i]?.[name], value);
      assert.equal(sensitiveOf(seen[i] ?? {}).includes(name), never, `${name} of request ${i}`);
      if (!name.startsWith('x-')) continue;
      assert.deepEqual(
        replies[i]?.find(([each]) => each === name),
        [name, value, never],
      );
    }
  }
});

/** Names of the fields that came never-indexed; the types of Node do not know that there are any. */
function sensitiveOf(headers: IncomingHttpHeaders): string[] {
  const value: unknown = Reflect.get(headers, sensitiveHeaders);
  return Array.isArray(value) ? value.map(String) : [];
}

function isFirstOfItsName([name]: Line, at: number, lines: readonly Line[]): boolean {
  return lines.findIndex(([each]) => each === name) === at;
}

/** As such a field comes in: RFC 7541 §6.2.3. */
function neverIndexed(decoder: Decoder, name: string, value: string): Field {
  const literal = Buffer.concat([
    Buffer.of(0x10, name.length),
    Buffer.from(name),
    value.length < 127 ? Buffer.of(value.length) : Buffer.of(127, ...integerRest(value.length - 127)),
    Buffer.from(value),
  ]);
  const block = new HeaderBlock(1_000_000, 10);
  block.begin('trailers');
  decoder.decode(literal, 0, literal.length, block);
  return block.fields[0]?.retain() ?? assert.fail('the literal was not decoded');
}

function integerRest(rest: number): number[] {
  return rest < 128 ? [rest] : [(rest & 127) | 128, ...integerRest(rest >>> 7)];
}
