import type { LabMessage } from './messages.ts';

/**
 * Makes this process a child of the lab: it serves the parent's messages and ends with the channel to it. A failure of
 * `serve` is told to the parent, which knows what it means.
 */
export function serveParent(serve: (message: unknown) => Promise<void>): void {
  const leave = (): void => process.exit(0);
  process.on('disconnect', leave);
  // Ctrl-C reaches the whole process group; it is the parent who ends the experiment, in order.
  process.on('SIGINT', () => undefined);
  process.on('message', (message: unknown) => {
    serve(message).catch((error: unknown) => tellParent(failureOf(error)));
  });
  if (!process.connected) leave();
}

export function tellParent(message: LabMessage): void {
  // No channel means no parent: `disconnect` is about to end us.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function failureOf(error: unknown): LabMessage {
  if (!(error instanceof Error)) return { kind: 'failed', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { kind: 'failed', message: error.message, ...(code === undefined ? {} : { code }) };
}
