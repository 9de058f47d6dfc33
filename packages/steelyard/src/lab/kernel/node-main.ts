// Node mode, in the node's network namespace.
import { createSeededRandom } from '@steelyard/core/balance';
import { startNodeMode } from '../../netfilter/index.ts';
import { startListeners } from '../../proxy/index.ts';
import { serveParent, tellParent } from '../processes/child-side.ts';
import { isMessage } from '../processes/messages.ts';
import { childLogger } from './child-logger.ts';

serveParent(async (message) => {
  if (!isMessage(message, 'start-node')) return;
  const { snapshot, address, namespace, seed } = message;
  const snapshots = { current: snapshot, subscribe: () => (): void => undefined };
  const log = childLogger(message.logLevel);
  const listeners = await startListeners({ snapshots, namespace, log, random: createSeededRandom(seed) });
  await startNodeMode({
    source: snapshots,
    addresses: { [address.includes(':') ? 'IPv6' : 'IPv4']: address },
    open: (listen, service) => listeners.open(listen, service),
    isReady: () => true,
    log,
  });
  tellParent({ kind: 'listening', address: { host: address, port: 0 } });
});
