import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import { ScriptedDns } from './scripted-dns.test-bed.ts';

test('the scripted server is understood by a DNS client', async () => {
  const dns = await new ScriptedDns().start();
  dns.names.set('a.test', { addresses: ['10.0.0.1', '10.0.0.2', 'fd00::1:2'], ttl: 7 });
  dns.names.set('_grpc._tcp.a.test', { services: [{ target: 'p1.a.test', port: 8000 }] });
  const client = new Resolver();
  client.setServers([dns.address]);
  assert.deepEqual(await client.resolve4('a.test', { ttl: true }), [
    { address: '10.0.0.1', ttl: 7 },
    { address: '10.0.0.2', ttl: 7 },
  ]);
  assert.deepEqual(await client.resolve6('a.test'), ['fd00::1:2']);
  assert.equal((await client.resolveSrv('_grpc._tcp.a.test'))[0]?.port, 8000);
  await assert.rejects(client.resolve4('b.test'), { code: 'ENOTFOUND' });
  assert.deepEqual(dns.asked, ['A a.test', 'AAAA a.test', 'SRV _grpc._tcp.a.test', 'A b.test']);
  await dns.stop();
});
