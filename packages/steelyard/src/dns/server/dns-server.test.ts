import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { createSocket } from 'node:dgram';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import type { Endpoint, ServiceEntry, Snapshot } from '@steelyard/core/model';
import { createManualSource, listenLocal } from '@steelyard/testkit';
import { silentLog } from '../../log.test-bed.ts';
import type { SocketAddress } from '../../net-address.ts';
import type { DnsServer } from './dns-server.ts';
import { startDnsServer } from './dns-server.ts';
import { queryFor } from '../message/messages.test-bed.ts';
import { TcpMessages, frameTcpMessage } from '../message/tcp-messages.ts';

function snapshotWith(version: number, addresses: readonly string[]): Snapshot {
  const conditions = { ready: true, serving: true, terminating: false };
  const endpoints = addresses.map((address): Endpoint => ({
    address,
    port: 8000,
    family: address.includes(':') ? 'IPv6' : 'IPv4',
    conditions,
  }));
  const port = { name: 'grpc', protocol: 'TCP', port: 8000, targetPort: 8000 } as const;
  const service = {
    kind: 'Service',
    namespace: 'default',
    name: 'backendh',
    type: 'ClusterIP',
    headless: true,
    clusterIps: [],
    ports: [port],
  } as const;
  const entry: ServiceEntry = { service, ports: [{ port, endpoints }] };
  return {
    version,
    clusterDomain: 'cluster.local',
    services: new Map([['default/backendh', entry]]),
    virtualHosts: new Map(),
    clusters: new Map(),
    diagnostics: [],
  };
}

const NAME = 'backendh.default.svc.cluster.local';
const THREE = ['10.80.128.247', '10.80.153.167', '10.80.167.226'];

/** Reads a connection until it has so many messages, or its end. */
async function readMessages(socket: Socket, count: number): Promise<Buffer[]> {
  const messages = new TcpMessages();
  const found: Buffer[] = [];
  for await (const chunk of socket) {
    assert.ok(Buffer.isBuffer(chunk));
    found.push(...messages.push(chunk));
    if (found.length >= count) break;
  }
  return found;
}

suite('startDnsServer', () => {
  const source = createManualSource(snapshotWith(1, [...THREE, 'fd00::5']));
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  let server: DnsServer;
  before(async () => {
    server = await startDnsServer({
      snapshots: source,
      listen: { host: '127.0.0.1', port: 0 },
      zone: 'cluster.local',
      tcpIdleTimeoutMs: 200,
      log: silentLog,
    });
    resolver.setServers([`127.0.0.1:${server.address.port}`]);
  });
  after(async () => {
    await server.close();
    assert.equal(source.listenerCount, 0);
  });

  test('an independent resolver reads the addresses and their TTL', async () => {
    assert.deepEqual((await resolver.resolve4(NAME)).toSorted(), THREE);
    assert.deepEqual(await resolver.resolve6(NAME), ['fd00::5']);
    assert.deepEqual(new Set((await resolver.resolve4(NAME, { ttl: true })).map(({ ttl }) => ttl)), new Set([5]));
  });

  const failures: readonly { name: string; code: string }[] = [
    { name: 'none.default.svc.cluster.local', code: 'ENOTFOUND' },
    { name: 'default.svc.cluster.local', code: 'ENODATA' },
    { name: 'example.com', code: 'EREFUSED' },
  ];
  for (const { name, code } of failures) {
    test(`${name} is ${code}`, async () => {
      await assert.rejects(resolver.resolve4(name), { code });
    });
  }

  test('an answer too long for UDP is fetched by TCP, and a new Snapshot is in force at once', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `10.1.0.${index}`);
    source.publish(snapshotWith(2, many));
    assert.deepEqual(new Set(await resolver.resolve4(NAME)), new Set(many));
    source.publish(snapshotWith(3, THREE));
    assert.deepEqual((await resolver.resolve4(NAME)).toSorted(), THREE);
  });

  test('TCP: many queries at once, torn anywhere, are answered in order', async () => {
    const stream = Buffer.concat(Array.from({ length: 20 }, (_, id) => frameTcpMessage(queryFor({ name: NAME, id }))));
    const socket = createConnection(server.address.port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    for (let at = 0; at < stream.length; at += 37) {
      socket.write(stream.subarray(at, at + 37));
      await new Promise(setImmediate);
    }
    const answers = await readMessages(socket, 20);
    assert.deepEqual(
      answers.map((answer) => [answer.readUInt16BE(0), answer.readUInt16BE(6)]),
      Array.from({ length: 20 }, (_, id) => [id, 3]),
    );
  });

  test('TCP: a connection that is silentLog, or does not speak DNS, is closed', async () => {
    for (const sent of [Buffer.alloc(0), frameTcpMessage(Buffer.from('no')), Buffer.of(0, 0)]) {
      const socket = createConnection(server.address.port, '127.0.0.1');
      socket.write(sent);
      assert.deepEqual(await readMessages(socket, 1), []);
    }
  });

  test('UDP: garbage gets no answer and does no harm', async () => {
    const socket = createSocket('udp4');
    for (const message of [Buffer.from('x'), Buffer.alloc(12, 0xff), Buffer.alloc(700, 0xc0)]) {
      socket.send(message, server.address.port, '127.0.0.1');
    }
    socket.send(queryFor({ name: NAME, id: 99 }), server.address.port, '127.0.0.1');
    const [answer] = await once(socket, 'message');
    assert.ok(Buffer.isBuffer(answer));
    assert.equal(answer.readUInt16BE(0), 99);
    socket.close();
  });
});

suite('where it cannot listen', () => {
  const start = (host: string, port: number, admin?: SocketAddress): Promise<DnsServer> =>
    startDnsServer({
      snapshots: createManualSource(snapshotWith(1, [])),
      listen: { host, port },
      ...(admin !== undefined && { admin }),
      zone: 'cluster.local',
      log: silentLog,
    });

  test('UDP taken', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    await assert.rejects(start('127.0.0.1', port), {
      code: 'dns.port-in-use',
      message: `cannot answer DNS on 127.0.0.1:${port} (UDP): another process uses this port; choose another one`,
    });
    socket.close();
  });

  test('TCP taken; the UDP port is given back', async () => {
    const taken = createServer();
    const port = await listenLocal(taken);
    const expected = { code: 'dns.port-in-use', message: /^cannot answer DNS on 127\.0\.0\.1:\d+ \(TCP\): another/ };
    await assert.rejects(start('127.0.0.1', port), expected);
    taken.close();
    await once(taken, 'close');
    await (await start('127.0.0.1', port)).close();
  });

  test('the port of probes and metrics taken; the one for names is given back', async (t) => {
    const taken = createServer();
    t.after(() => taken.close());
    const adminPort = await listenLocal(taken);
    const names = await start('127.0.0.1', 0);
    await names.close();
    const { port } = names.address;
    const expected = {
      code: 'dns.port-in-use',
      message: new RegExp(`127\\.0\\.0\\.1:${adminPort} \\(TCP\\): another`),
    };
    await assert.rejects(start('127.0.0.1', port, { host: '127.0.0.1', port: adminPort }), expected);
    taken.close();
    await once(taken, 'close');
    await (await start('127.0.0.1', port)).close();
  });

  test('an address that is not here', async () => {
    await assert.rejects(start('192.0.2.1', 5300), {
      code: 'dns.address-unavailable',
      message: 'cannot answer DNS on 192.0.2.1:5300 (UDP): this machine has no such address',
    });
  });
});
