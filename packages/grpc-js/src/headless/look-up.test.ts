import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { parseTarget } from '../targets/parse-target.ts';
import { createDnsQuery } from './dns-query.ts';
import { lookUp } from './look-up.ts';
import { parseHeadlessTarget } from './parse-headless-target.ts';
import { ScriptedDns } from './scripted-dns.test-bed.ts';

suite('look-ups over a real socket', () => {
  const dns = new ScriptedDns();
  before(() => dns.start());
  after(() => dns.stop());
  afterEach(() => {
    dns.names.clear();
    dns.asked.length = 0;
  });

  const find = async (path: string, ...candidates: string[]): Promise<unknown> => {
    const target = parseTarget({ scheme: 'headless', authority: dns.address, path }, {});
    const name = parseHeadlessTarget(target);
    return lookUp(name, candidates.length === 0 ? [name.host] : candidates, createDnsQuery(name.server));
  };

  test('addresses with the smallest TTL, each once', async () => {
    dns.names.set('a.test', { addresses: ['10.0.0.2', '10.0.0.1', '10.0.0.2'], ttl: 5 });
    assert.deepEqual(await find('a.test:80'), {
      kind: 'found',
      name: 'a.test',
      endpoints: [
        { host: '10.0.0.2', port: 80 },
        { host: '10.0.0.1', port: 80 },
      ],
      ttlMs: 5000,
    });
    assert.deepEqual(dns.asked, ['A a.test'], 'IPv6 is not asked for where there is IPv4');
  });

  const families: readonly { family: string; hosts: string[] }[] = [
    { family: 'auto', hosts: ['10.0.0.1'] },
    { family: '4', hosts: ['10.0.0.1'] },
    { family: '6', hosts: ['fd00::1'] },
    { family: 'both', hosts: ['10.0.0.1', 'fd00::1'] },
  ];
  for (const { family, hosts } of families) {
    test(`family=${family} of a dual-stack name`, async () => {
      dns.names.set('a.test', { addresses: ['10.0.0.1', 'fd00::1'] });
      const found = await find(`a.test:80?family=${family}`);
      assert.deepEqual(found, {
        kind: 'found',
        name: 'a.test',
        endpoints: hosts.map((host) => ({ host, port: 80 })),
        ttlMs: 30_000,
      });
    });
  }

  test('IPv6 where there is no IPv4', async () => {
    dns.names.set('a.test', { addresses: ['fd00::7'] });
    assert.deepEqual(await find('a.test:80'), {
      kind: 'found',
      name: 'a.test',
      endpoints: [{ host: 'fd00::7', port: 80 }],
      ttlMs: 30_000,
    });
  });

  test('candidates in their order, also past those that are refused', async () => {
    dns.names.set('a.other', { code: 5 });
    dns.names.set('a.cluster', { addresses: ['10.0.0.1'] });
    const found = await find('a:80', 'a.missing', 'a.other', 'a.cluster', 'a');
    assert.ok(typeof found === 'object' && found !== null && 'name' in found);
    assert.equal(found.name, 'a.cluster');
    assert.ok(!dns.asked.includes('A a'));
  });

  test('a server that fails ends the search: the next candidate might be another Service', async () => {
    dns.names.set('a.first', { code: 2 });
    dns.names.set('a.second', { addresses: ['10.0.0.1'] });
    assert.deepEqual(await find('a:80', 'a.first', 'a.second'), {
      kind: 'failed',
      message: 'the DNS server fails on a.first',
    });
  });

  test('SRV: port and addresses of the best priority', async () => {
    dns.names.set('_grpc._tcp.a.test', {
      services: [
        { target: 'p1.a.test', port: 8001 },
        { target: 'p2.a.test', port: 8002 },
        { target: 'spare.a.test', port: 9000, priority: 9 },
      ],
    });
    dns.names.set('p1.a.test', { addresses: ['10.0.0.1'], ttl: 9 });
    dns.names.set('p2.a.test', { addresses: ['10.0.0.2'], ttl: 4 });
    dns.names.set('spare.a.test', { addresses: ['10.0.0.3'], ttl: 1 });
    assert.deepEqual(await find('a.test:grpc?srv'), {
      kind: 'found',
      name: 'a.test',
      endpoints: [
        { host: '10.0.0.1', port: 8001 },
        { host: '10.0.0.2', port: 8002 },
      ],
      ttlMs: 4000,
    });
  });

  test('a name that is an address needs no DNS', async () => {
    const found = await find('127.0.0.1:80');
    assert.ok(typeof found === 'object' && found !== null && 'kind' in found);
    assert.equal(found.kind, 'found');
    assert.deepEqual(dns.asked, []);
  });

  test('no such name, and no address', async () => {
    dns.names.set('b.test', { addresses: [] });
    assert.deepEqual(await find('a:80', 'a.test', 'b.test'), {
      kind: 'empty',
      message: 'a.test does not exist, b.test has no address',
    });
  });

  test('a malformed answer', async () => {
    dns.names.set('a.test', 'garbage');
    const answer = await find('a.test:80');
    assert.ok(typeof answer === 'object' && answer !== null && 'kind' in answer);
    assert.equal(answer.kind, 'failed');
  });
});
