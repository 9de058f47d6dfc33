// One pod of the experiment, as a process of its own.
import { serveParent, tellParent } from './child-side.ts';
import type { EchoServer } from './echo-server.ts';
import { startEchoServer } from './echo-server.ts';
import { isMessage } from './messages.ts';

let server: EchoServer | undefined;

serveParent(async (message) => {
  if (isMessage(message, 'start-backend')) {
    server = await startEchoServer(message);
    tellParent({ kind: 'listening', address: server.address });
  } else if (isMessage(message, 'drain-backend')) {
    await server?.drain();
    tellParent({ kind: 'drained' });
  }
});
