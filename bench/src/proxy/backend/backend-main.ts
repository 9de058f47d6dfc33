/**
 * The backends of the benchmark, all in a process of its own, at the least cost, so that what is measured is the proxy. Started
 * with a channel: it tells the ports it listens on, and answers `counts` with the calls that each has had so far.
 * Usage: backend-main.js COUNT
 */
import { createServer } from 'node:net';
import { serveConnection } from './server-connection.ts';

const count = Number(process.argv[2]);
const counts = Array.from({ length: count }, () => 0);
const ports = await Promise.all(
  counts.map(
    (_, index) =>
      new Promise<number>((resolve, reject) => {
        const server = createServer((socket) =>
          serveConnection(socket, () => {
            counts[index] = (counts[index] ?? 0) + 1;
          }),
        );
        server.once('error', reject).listen(0, '127.0.0.1', () => {
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : 0);
        });
      }),
  ),
);
process.on('disconnect', () => process.exit(0));
process.on('message', () => process.send?.(counts));
process.send?.(ports);
