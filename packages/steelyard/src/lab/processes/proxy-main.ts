// The real proxy, in a process of its own, over a Snapshot whose endpoints are the lab's loopback ones.
import { createSeededRandom } from '@steelyard/core/balance';
import { createLogger } from '../../log-lines.ts';
import { startProxy } from '../../proxy/index.ts';
import { serveParent, tellParent } from './child-side.ts';
import { isMessage } from './messages.ts';

serveParent(async (message) => {
  if (!isMessage(message, 'start-proxy')) return;
  const { snapshot, service, namespace } = message;
  const proxy = await startProxy({
    snapshots: { current: snapshot, subscribe: () => () => undefined },
    listen: message.listen ?? { host: '127.0.0.1', port: 0 },
    service,
    namespace,
    random: createSeededRandom(message.seed),
    log: createLogger({
      level: message.logLevel,
      format: 'text',
      write: (line) => process.stderr.write(`${line}\n`),
      now: Date.now,
    }),
  });
  tellParent({ kind: 'listening', address: proxy.address });
});
