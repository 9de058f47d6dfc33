// A client by @grpc/proto-loader: nothing is generated, the .proto file is read when the program starts.
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { balance, register } from '@steelyard/grpc-js';

register();

const { demo } = loadPackageDefinition(loadSync(fileURLToPath(new URL('backend.proto', import.meta.url))));
const client = new demo.Backend('headless:///$BACKEND_ADDR?lb=round_robin', credentials.createInsecure(), {
  'grpc.enable_http_proxy': 0,
});
const whoAreYou = promisify(client.whoAreYou.bind(client));
const names = new Set();
for (let call = 0; call < 30; call++) names.add((await whoAreYou({}, { deadline: Date.now() + 5000 })).name);

process.stdout.write(`answered by ${[...names].join(', ')}\n`);
for (const { endpoint, share } of balance()[0].endpoints) {
  process.stdout.write(`${endpoint}: ${Math.round(100 * share)} %\n`);
}
client.close();
