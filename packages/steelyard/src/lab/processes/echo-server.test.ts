import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { createEchoClient } from './echo-client.ts';
import { echoMethod, loadEchoDefinition } from './echo-definition.ts';
import { startEchoServer } from './echo-server.ts';
import { formatAddress } from '../../net-address.ts';

const definition = loadEchoDefinition();
const REPLY = { pod: 'backend-1', address: '10.0.0.1:8000' };

async function startPod(t: TestContext): Promise<string> {
  const server = await startEchoServer({ listen: { host: '127.0.0.1', port: 0 }, ...REPLY });
  t.after(() => server.close());
  return formatAddress(server.address);
}

async function dial(t: TestContext): Promise<Client> {
  const client = new Client(await startPod(t), credentials.createInsecure());
  t.after(() => client.close());
  return client;
}

async function listOf(stream: AsyncIterable<object>): Promise<object[]> {
  const all: object[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

test('Say names the pod', async (t) => {
  const client = createEchoClient({ target: await startPod(t) });
  t.after(() => client.close());
  const outcome = await new Promise((resolve) => client.say(resolve));
  assert.deepEqual(outcome, { kind: 'answered', address: REPLY.address });
});

test('a call that fails says how', async () => {
  const client = createEchoClient({ target: '127.0.0.1:1' });
  const outcome = await new Promise((resolve) => client.say(resolve));
  client.close();
  assert.match(JSON.stringify(outcome), /"failed","reason":"UNAVAILABLE: .*ECONNREFUSED/);
});

test('Count answers so many times', async (t) => {
  const client = await dial(t);
  const { path, requestSerialize, responseDeserialize } = echoMethod(definition, 'Count');
  const request = { message: 'n', times: 500 };
  const replies = await listOf(client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request));
  assert.equal(replies.length, 500);
  assert.deepEqual({ ...replies[499] }, { ...REPLY, message: 'n 500' });
});

test('Count refuses what is too much', async (t) => {
  const client = await dial(t);
  const { path, requestSerialize, responseDeserialize } = echoMethod(definition, 'Count');
  const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { times: 10_001 });
  await assert.rejects(listOf(stream), { code: status.INVALID_ARGUMENT, details: 'times is 10001: at most 10000' });
});

test('Collect counts what it gets', async (t) => {
  const client = await dial(t);
  const { path, requestSerialize, responseDeserialize } = echoMethod(definition, 'Collect');
  const reply = await new Promise<object | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error, value) =>
      error === null ? resolve(value) : reject(error),
    );
    for (const message of ['a', 'b', 'c']) call.write({ message });
    call.end();
  });
  assert.deepEqual({ ...reply }, { ...REPLY, messages: 3, last: 'c' });
});

test('Chat answers each message as it comes', async (t) => {
  const client = await dial(t);
  const { path, requestSerialize, responseDeserialize } = echoMethod(definition, 'Chat');
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  for (const message of ['a', 'b']) {
    call.write({ message });
    const [reply] = await once(call, 'data');
    assert.deepEqual({ ...reply }, { ...REPLY, message });
  }
  call.end();
  const [ended] = await once(call.resume(), 'status');
  assert.equal(ended.code, status.OK);
});

test('grpc.health.v1 says SERVING for the server and for echo.Echo', async (t) => {
  const client = await dial(t);
  const check = healthService['Check'];
  assert.ok(check !== undefined);
  for (const service of ['', 'echo.Echo']) {
    const reply = await new Promise<object | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        check.path,
        check.requestSerialize,
        check.responseDeserialize,
        { service },
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
    });
    assert.equal(JSON.stringify(reply), '{"status":"SERVING"}');
  }
});

test('an address in use is refused', async (t) => {
  const taken = await startPod(t);
  const [host = '', port = ''] = taken.split(':');
  await assert.rejects(startEchoServer({ listen: { host, port: Number(port) }, ...REPLY }), { code: 'EADDRINUSE' });
});
