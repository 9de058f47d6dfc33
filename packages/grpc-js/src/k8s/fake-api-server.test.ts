import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeApiServer } from './fake-api-server.test-bed.ts';

test('the fake API server lists what was put', async () => {
  const api = await new FakeApiServer().start();
  api.putService('backend', [{ name: 'grpc', port: 8000 }]);
  const answer = await fetch(`http://127.0.0.1:${api.port}/api/v1/namespaces/shop/services`);
  assert.match(await answer.text(), /^\{"kind":"ServiceList".*"backend"/);
  await api.stop();
});
