// One pod of the experiment, as a process of its own.
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { serveParent, tellParent } from './child-side.ts';
import type { EchoServer } from './echo-server.ts';
import { startEchoServer } from './echo-server.ts';
import { isMessage } from './messages.ts';

// A port that somebody took in the meantime is told to the parent, which chooses another; grpc-js would complain on our stderr too.
if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);

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
