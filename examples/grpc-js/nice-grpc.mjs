// A client by nice-grpc, over what ts-proto generates for it (`outputServices=generic-definitions`).
import { balance, register } from '@steelyard/grpc-js';
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { BackendDefinition } from './backend-definitions.mjs';

register();

const channel = createChannel('headless:///$BACKEND_ADDR?lb=round_robin', ChannelCredentials.createInsecure(), {
  'grpc.enable_http_proxy': 0,
});
const client = createClient(BackendDefinition, channel);
const names = new Set();
for (let call = 0; call < 30; call++) names.add((await client.whoAreYou({})).name);

process.stdout.write(`answered by ${[...names].join(', ')}\n`);
for (const { endpoint, share } of balance()[0].endpoints) {
  process.stdout.write(`${endpoint}: ${Math.round(100 * share)} %\n`);
}
channel.close();
