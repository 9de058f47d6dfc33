import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { collect, createTestSource, echo, TestCaller } from '@steelyard/testkit';
import { service as health } from 'grpc-health-check';
import { cleanUp, silent, startBed } from '../end-to-end/proxy.test-bed.ts';
import { startTimedBed } from '../transport/engine.test-bed.ts';
import { startProxy } from '../proxy.ts';

const { Check: check, Watch: watch } = health;
assert.ok(check !== undefined && watch !== undefined);

/** What a gRPC client makes of it: a word for the answer, or code and message of the error. */
function ask(client: Client, service = ''): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      check?.path ?? '',
      (value: object) => check?.requestSerialize(value) ?? Buffer.alloc(0),
      (bytes) => check?.responseDeserialize(bytes),
      { service },
      (error: ServiceError | null, value) =>
        resolve(error === null ? JSON.stringify(value) : `${error.code} ${error.details}`),
    );
  });
}

function clientFor(target: string, options = {}): Client {
  const client = new Client(target, credentials.createInsecure(), options);
  cleanUp.push(async () => client.close());
  return client;
}

test('Check: of the proxy when its own address is named, of no other', async () => {
  const { proxy, pods } = await startBed(1);
  const { port } = proxy.address;
  const own = clientFor(`127.0.0.1:${port}`);
  assert.equal(await ask(own), '{"status":"SERVING"}');
  assert.equal(await ask(own, 'no.Such'), '5 steelyard: the proxy has no service "no.Such" of its own');
  const local = clientFor(`127.0.0.1:${port}`, { 'grpc.default_authority': `localhost:${port}` });
  assert.equal(await ask(local), '{"status":"SERVING"}');
  const loud = clientFor(`127.0.0.1:${port}`, { 'grpc.default_authority': `LocalHost:${port}` });
  assert.equal(await ask(loud), '{"status":"SERVING"}');
  for (const authority of ['nobody:8000', '127.0.0.2:8000', '10.9.9.9']) {
    const other = clientFor(`127.0.0.1:${port}`, { 'grpc.default_authority': authority });
    assert.match(await ask(other), /^12 steelyard: /);
  }
  assert.equal(pods[0]?.calls, 0);
});

test('Check for a Service reaches its pods', async () => {
  const { proxy, pods } = await startBed(1);
  const backend = clientFor(`127.0.0.1:${proxy.address.port}`, { 'grpc.default_authority': 'backend:8000' });
  // The pod sends back what it got: an empty HealthCheckRequest, read as a response.
  assert.equal(await ask(backend), '{"status":"UNKNOWN"}');
  assert.equal(pods[0]?.calls, 1);
});

test('where every authority means a Service, none means the proxy', async () => {
  const { current } = createTestSource([]);
  const virtualHosts = new Map([...current.virtualHosts].map(([name, host]) => [name, { ...host, routes: [] }]));
  const proxy = await startProxy({
    snapshots: { current: { ...current, virtualHosts }, subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    service: { namespace: 'default', name: 'backend', port: 8000 },
    namespace: 'default',
    log: silent,
  });
  cleanUp.push(() => proxy.close());
  assert.match(await ask(clientFor(`127.0.0.1:${proxy.address.port}`)), /^12 steelyard: .*route/);
});

test('while it leaves: NOT_SERVING, for those who watch, too; the watch does not hold up the end', async () => {
  const { proxy } = await startBed(0);
  const client = clientFor(`127.0.0.1:${proxy.address.port}`);
  const watching = client.makeServerStreamRequest(
    watch.path,
    (value: object) => watch.requestSerialize(value),
    (bytes) => watch.responseDeserialize(bytes),
    { service: '' },
    new Metadata(),
  );
  const ended = once(watching, 'error');
  assert.deepEqual({ ...(await once(watching, 'data'))[0] }, { status: 'SERVING' });
  proxy.leaving();
  assert.deepEqual({ ...(await once(watching, 'data'))[0] }, { status: 'NOT_SERVING' });
  assert.equal(await ask(client), '{"status":"NOT_SERVING"}');
  await proxy.drain(60_000);
  assert.equal((await ended)[0].code, status.UNAVAILABLE);
});

test('a call to the proxy itself has a deadline, too', async () => {
  const { caller, tickAt, port, alarms } = await startTimedBed(createTestSource([]));
  const own = { ':authority': `127.0.0.1:${port}`, 'grpc-timeout': '300m' };
  const watching = caller.open({ ...own, ':path': '/grpc.health.v1.Health/Watch' });
  watching.end(Buffer.alloc(5));
  await once(watching, 'data');
  // Its message never comes.
  const checking = caller.open({ ...own, ':path': '/grpc.health.v1.Health/Check' });
  checking.write(Buffer.alloc(1));
  await caller.call('x', { ':authority': 'nobody:1' });
  assert.equal(alarms(), 2);
  const replies = [collect(watching), collect(checking)];
  tickAt(310);
  for (const { headers, trailers } of await Promise.all(replies)) {
    assert.equal(trailers['grpc-status'] ?? headers['grpc-status'], '4');
  }
  assert.equal(alarms(), 0);
});

test('Watch of a service that the proxy has not: SERVICE_UNKNOWN, and it goes on', async () => {
  const { proxy } = await startBed(0);
  const client = clientFor(`127.0.0.1:${proxy.address.port}`);
  const watching = client.makeServerStreamRequest(
    watch.path,
    (value: object) => watch.requestSerialize(value),
    (bytes) => watch.responseDeserialize(bytes),
    { service: 'a.B' },
  );
  assert.deepEqual({ ...(await once(watching, 'data'))[0] }, { status: 'SERVICE_UNKNOWN' });
  const ended = once(watching, 'error');
  watching.cancel();
  assert.equal((await ended)[0].code, status.CANCELLED);
});

test('what is no HealthCheckRequest is an error', async () => {
  const { proxy } = await startBed(1, echo);
  const { port } = proxy.address;
  const caller = new TestCaller(port);
  cleanUp.push(() => caller.close());
  const own = { ':path': '/grpc.health.v1.Health/Check', ':authority': `127.0.0.1:${port}` };
  for (const body of [Buffer.alloc(0), Buffer.from('hello'), Buffer.from([1, 0, 0, 0, 0]), Buffer.alloc(100_000)]) {
    assert.equal((await caller.call(body, own)).headers['grpc-status'], '13');
  }
  assert.equal((await caller.call(Buffer.alloc(5), own)).trailers['grpc-status'], '0');
  assert.equal(
    (await caller.call('', { ...own, ':path': '/grpc.health.v1.Health/List' })).headers['grpc-status'],
    '12',
  );
});
