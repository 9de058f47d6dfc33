// Too many, too curious, or not meaning well.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createTestSource } from '@steelyard/testkit';
import { logThat } from '../../log.test-bed.ts';
import type { Logger } from '../../log.ts';
import { a, answerTo, startFakeUpstream } from '../forward/fake-upstream.test-bed.ts';
import { queryFor } from '../message/messages.test-bed.ts';
import { frameTcpMessage } from '../message/tcp-messages.ts';
import { type DnsServer, type DnsServerOptions, startDnsServer } from './dns-server.ts';
import { listenTcp } from './tcp-listener.ts';

interface Line {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

function logger(lines: Line[]): Logger {
  const add = (message: string, fields?: Readonly<Record<string, unknown>>): void =>
    void lines.push({ message, fields });
  return logThat({ debug: add, info: add, warn: add, error: add });
}

async function start(t: TestContext, more: Partial<DnsServerOptions>, lines: Line[] = []): Promise<DnsServer> {
  const server = await startDnsServer({
    snapshots: createTestSource([{ port: 1 }]),
    listen: { host: '127.0.0.1', port: 0 },
    zone: 'cluster.local',
    log: logger(lines),
    ...more,
  });
  t.after(() => server.close());
  return server;
}

/** Sends them one by one and gathers what comes until the last of them is answered, which must come by TCP. */
async function askAll(t: TestContext, port: number, queries: readonly Buffer[]): Promise<readonly Buffer[]> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const answers: Buffer[] = [];
  socket.on('message', (answer) => answers.push(answer));
  for (const query of queries) {
    await new Promise((resolve) => {
      socket.send(query, port, '127.0.0.1', resolve);
    });
  }
  // The server reads what came by UDP no later than what comes after it.
  await askTcp(port, queryFor({ name: 'dns-version.cluster.local' }));
  await askTcp(port, queryFor({ name: 'dns-version.cluster.local' }));
  return answers;
}

async function askTcp(port: number, query: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  socket.write(frameTcpMessage(query));
  const [answer] = await once(socket, 'data');
  socket.destroy();
  assert.ok(Buffer.isBuffer(answer));
  return answer.subarray(2);
}

const isTruncated = (answer: Buffer): boolean => (answer.readUInt16BE(2) & 0x200) !== 0;

test('a flood gets what is its due, short answers to try again by TCP, and no more', async (t) => {
  const { address } = await start(t, { rateLimit: 1 });
  const query = queryFor({ name: 'none.default.svc.cluster.local' });
  const answers = await askAll(
    t,
    address.port,
    Array.from({ length: 60 }, () => query),
  );
  const short = answers.filter(isTruncated);
  // While the flood lasts some of the limit comes back.
  assert.ok(answers.length < 60 && answers.length > short.length, `${answers.length} answers`);
  assert.ok(short.length > 0);
  for (const answer of short) assert.equal(answer.length, query.length, 'nobody gets more than was sent');
  assert.equal((await askTcp(address.port, query)).readUInt16BE(2) & 0x20f, 3, 'TCP is not limited');
});

test('what is no query gets no answer, and no answer to garbage is longer than it', async (t) => {
  const upstream = await startFakeUpstream(t, (query) => [answerTo(query, { answers: [a('192.0.2.1')] })]);
  const { address } = await start(t, { forward: { upstreams: [upstream.address], cacheSeconds: 30 } });
  const good = queryFor({ name: 'www.example.com', edns: { size: 1232 } });
  const queries = Array.from({ length: good.length }, (_, length) => good.subarray(0, length + 1));
  for (let at = 2; at < good.length; at++) {
    const spoiled = Buffer.from(good);
    spoiled[at] = 0xff;
    queries.push(spoiled.fill(0xff, at));
  }
  const before = await askAll(t, address.port, queries);
  assert.ok(before.every((answer) => answer.length <= good.length + 16));
  assert.equal(before.filter((answer) => (answer.readUInt16BE(2) & 0x8000) === 0).length, 0);
  const [answer] = await askAll(t, address.port, [good]);
  assert.equal(answer?.readUInt16BE(6), 1, 'and it still answers');
});

test('one connection too many takes the place of the one that has been silent for longest', async (t) => {
  const listener = await listenTcp({
    address: '127.0.0.1',
    port: 0,
    respond: (message) => message,
    shared: false,
    idleTimeoutMs: 60_000,
    maxConnections: 2,
    log: logger([]),
  });
  t.after(() => listener.close());
  const open = async (): Promise<Socket> => {
    const socket = connect(listener.port, '127.0.0.1');
    t.after(() => socket.destroy());
    await say(socket);
    return socket;
  };
  const say = async (socket: Socket): Promise<void> => {
    socket.write(frameTcpMessage(Buffer.from('x')));
    await once(socket, 'data');
  };
  const [first, second] = [await open(), await open()];
  await say(first);
  const gone = once(second, 'close');
  await open();
  await gone;
  await say(first);
});

test('the query log is one line a query, whatever is asked for', async (t) => {
  const lines: Line[] = [];
  const { address } = await start(t, { queryLog: true }, lines);
  await askAll(t, address.port, [queryFor({ name: 'a\nlevel=error b.cluster.local', type: 'AAAA' })]);
  const found = lines.filter(({ message }) => message === 'query').map(({ fields }) => fields);
  assert.deepEqual(found[0], {
    name: String.raw`a\010level=error\032b.cluster.local`,
    type: 28,
    transport: 'udp',
    code: 3,
    bytes: found[0]?.['bytes'],
  });
});

test('metrics tell what was forwarded, kept and programmed', async (t) => {
  const upstream = await startFakeUpstream(t, (query) => [answerTo(query, { answers: [a('192.0.2.1')] })]);
  const server = await start(t, {
    admin: { host: '127.0.0.1', port: 0 },
    forward: { upstreams: [upstream.address], cacheSeconds: 30 },
  });
  const query = queryFor({ name: 'www.example.com' });
  const { address, adminAddress } = server;
  await askTcp(address.port, query);
  await askTcp(address.port, query);
  server.programmed(0.003);
  const text = await (await fetch(`http://127.0.0.1:${adminAddress?.port}/metrics`)).text();
  const to = `127.0.0.1:${upstream.address.port}`;
  for (const line of [
    `coredns_dns_responses_total{zone="cluster.local.",proto="tcp",rcode="NOERROR"} 2`,
    `steelyard_dns_upstream_healthy{to="${to}"} 1`,
    'coredns_cache_entries{type="success"} 1',
    'coredns_cache_hits_total{type="success"} 1',
    'coredns_kubernetes_dns_programming_duration_seconds_bucket{service_kind="headless_with_selector",le="0.002"} 0',
    'coredns_kubernetes_dns_programming_duration_seconds_bucket{service_kind="headless_with_selector",le="0.004"} 1',
    'coredns_dns_request_duration_seconds_count{zone="cluster.local."} 2',
    'steelyard_dns_rate_limited_total 0',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
  const answered = `coredns_proxy_request_duration_seconds_count{proxy_name="forward",to="${to}",rcode="NOERROR"} `;
  assert.ok(text.includes(answered), answered);
});
