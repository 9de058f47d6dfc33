// The cluster's DNS, in the node's network namespace.
import { createSeededRandom } from '@steelyard/core/balance';
import { startDnsServer } from '../../dns/index.ts';
import { serveParent, tellParent } from '../processes/child-side.ts';
import { isMessage } from '../processes/messages.ts';
import { childLogger } from './child-logger.ts';

serveParent(async (message) => {
  if (!isMessage(message, 'start-dns')) return;
  const { snapshot, listen, seed, ttlSeconds } = message;
  const server = await startDnsServer({
    snapshots: { current: snapshot, subscribe: () => () => undefined },
    listen,
    zone: snapshot.clusterDomain,
    ttlSeconds,
    random: createSeededRandom(seed),
    log: childLogger(message.logLevel),
  });
  tellParent({ kind: 'listening', address: server.address });
});
