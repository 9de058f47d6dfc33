// Several processes at one socket, asked by an independent resolver.
import assert from 'node:assert/strict';
import cluster from 'node:cluster';
import { Resolver } from 'node:dns/promises';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { createTestSource } from '@steelyard/testkit';
import { recordingLog } from '../../log.test-bed.ts';
import { queryFor } from '../message/messages.test-bed.ts';
import { frameTcpMessage } from '../message/tcp-messages.ts';
import { type DnsServer, type DnsServerOptions, startDnsServer } from '../server/dns-server.ts';

const LIMIT = { timeout: 60_000 };

class TestNamespaces {
  readonly current = new Set<string>();
  #listener: (() => void) | undefined;

  subscribe(listener: () => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  add(name: string): void {
    this.current.add(name);
    this.#listener?.();
  }
}

interface Bed {
  readonly server: DnsServer;
  readonly lines: string[];
  readonly source: ReturnType<typeof createTestSource>;
  readonly resolve: (name: string) => Promise<readonly string[]>;
}

async function start(t: TestContext, more: Partial<DnsServerOptions> = {}): Promise<Bed> {
  const lines: string[] = [];
  const source = createTestSource([{ port: 1 }]);
  const server = await startDnsServer({
    snapshots: source,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    zone: source.current.clusterDomain,
    workers: 2,
    log: recordingLog(lines),
    ...more,
  });
  t.after(() => server.close());
  const resolver = new Resolver({ timeout: 2000, tries: 3 });
  resolver.setServers([`127.0.0.1:${server.address.port}`]);
  return { server, lines, source, resolve: (name) => resolver.resolve4(name) };
}

const processes = (): number[] => Object.values(cluster.workers ?? {}).flatMap((worker) => worker?.process.pid ?? []);

/** Again and again until it does not fail any more; the test's own limit ends it. */
async function answers(ask: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const fine = await ask().then(
      () => true,
      () => false,
    );
    if (fine) return;
    await new Promise((resume) => {
      setTimeout(resume, 20);
    });
  }
}

async function metrics({ adminAddress }: DnsServer): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${adminAddress?.port}/metrics`);
  return answer.text();
}

test('processes share one port in UDP and TCP, follow changes, and count together', LIMIT, async (t) => {
  const namespaces = new TestNamespaces();
  namespaces.add('early');
  const { server, source, resolve } = await start(t, { namespaces });
  const [entry] = source.current.services.values();
  assert.ok(entry !== undefined);
  const name = `${entry.service.name}.${entry.service.namespace}.svc.${source.current.clusterDomain}`;
  assert.equal(processes().length, 2);
  for (let count = 0; count < 20; count++) await resolve(name);
  const socket = createConnection(server.address.port, '127.0.0.1');
  socket.write(frameTcpMessage(queryFor({ name })));
  const [answer] = await once(socket, 'data');
  assert.ok(Buffer.isBuffer(answer));
  assert.equal(answer.readUInt16BE(2 + 6), 1);
  socket.destroy();
  assert.match(await metrics(server), /coredns_dns_requests_total\{zone="cluster\.local\.",proto="udp",type="A"\} 20/);
  await assert.rejects(resolve(`other.${name}`), { code: 'ENOTFOUND' });
  const isEmpty = async (): Promise<void> => assert.rejects(resolve('quiet.svc.cluster.local'), { code: 'ENODATA' });
  await assert.rejects(resolve('quiet.svc.cluster.local'), { code: 'ENOTFOUND' });
  await assert.rejects(resolve('early.svc.cluster.local'), { code: 'ENODATA' });
  namespaces.add('quiet');
  await answers(isEmpty);
});

test('a process that dies is replaced; what it had counted at the last look stays', LIMIT, async (t) => {
  const { server, lines, source, resolve } = await start(t);
  const [entry] = source.current.services.values();
  const name = `${entry?.service.name}.${entry?.service.namespace}.svc.cluster.local`;
  for (let count = 0; count < 10; count++) await resolve(name);
  assert.match(await metrics(server), /proto="udp",type="A"\} 10/);
  const before = processes();
  for (const pid of before) process.kill(pid, 'SIGKILL');
  // The new ones have the zone, and the port is the same.
  await answers(() => resolve(name));
  assert.equal(processes().filter((pid) => before.includes(pid)).length, 0);
  await answers(() => (processes().length === 2 ? metrics(server) : Promise.reject(new Error('one is missing'))));
  assert.match(await metrics(server), /proto="udp",type="A"\} 1[1-9]/);
  assert.match(lines.join('\n'), /a process that answers ended \(SIGKILL\); it is replaced/);
});

test('what the first state is waiting for reaches the processes, though nothing was published', LIMIT, async (t) => {
  let ready = false;
  const { source, resolve } = await start(t, { ready: () => ready });
  const [entry] = source.current.services.values();
  const name = `${entry?.service.name}.${entry?.service.namespace}.svc.cluster.local`;
  await assert.rejects(resolve(name), { code: 'ESERVFAIL' });
  ready = true;
  await answers(() => resolve(name));
});
