// A client as ts-proto generates it for grpc-js (`outputServices=grpc-js`).
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { balance, register } from '@steelyard/grpc-js';
import { BackendClient } from './backend-definitions.mjs';

register();

const client = new BackendClient('headless:///$BACKEND_ADDR?lb=round_robin', credentials.createInsecure(), {
  'grpc.enable_http_proxy': 0,
});
const whoAreYou = promisify(client.whoAreYou.bind(client));
const names = new Set();
for (let call = 0; call < 30; call++) names.add((await whoAreYou({})).name);

process.stdout.write(`answered by ${[...names].join(', ')}\n`);
for (const { endpoint, share } of balance()[0].endpoints) {
  process.stdout.write(`${endpoint}: ${Math.round(100 * share)} %\n`);
}
client.close();
