/**
 * The callers of the benchmark, a process of its own so that their work is not counted. Started with a channel: it does one
 * command after the other and answers each with what it measured. It stays the same all along, so that a compiler that
 * optimises while it runs has done so.
 */
import { closedLoop } from './closed-loop.ts';
import { echoStream } from './echo-stream.ts';
import { idleConnections } from './idle-connections.ts';
import { isLoadCommand, type LoadCommand, type LoadResult } from './load-command.ts';
import { openLoop } from './open-loop.ts';

function run(command: LoadCommand): Promise<LoadResult> {
  switch (command.kind) {
    case 'closed':
      return closedLoop(command);
    case 'open':
      return openLoop(command);
    case 'echo':
      return echoStream(command);
    case 'idle':
      return idleConnections(command);
    default:
      return Promise.reject(new Error(`no such command: ${JSON.stringify(command satisfies never)}`));
  }
}

async function answer(message: unknown): Promise<void> {
  if (!isLoadCommand(message)) throw new Error('that is no command');
  process.send?.(await run(message));
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message: unknown) => void answer(message));
