// One pod of the experiment, as a process of its own.
import { serveParent, tellParent } from './child-side.ts';
import { startEchoServer } from './echo-server.ts';
import { isMessage } from './messages.ts';

serveParent(async (message) => {
  if (!isMessage(message, 'start-backend')) return;
  const server = await startEchoServer(message);
  tellParent({ kind: 'listening', address: server.address });
});
