import { ConnectionFailure } from '../api/api-transport.ts';
import { JsonLines } from '../api/json-lines.ts';
import { parseStatus } from '../api/parse-status.ts';
import { fieldsOf, textOf } from '../untrusted.ts';
import { type ObjectIdentity, identityOf } from './object-store.ts';
import type { ResourceStream } from './resource-request.ts';

export interface WatchHandler {
  /** ADDED or MODIFIED. */
  set(identity: ObjectIdentity, value: unknown): void;
  deleted(identity: ObjectIdentity): void;
  /** `initialEnd`: all that there was when the watch began has been sent (KEP-3157). */
  bookmark(resourceVersion: string, initialEnd: boolean): void;
}

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Reads the events of a watch until its end.
 *
 * @throws ApiFailure for an ERROR event; ConnectionFailure for what is no event; Silence
 */
export async function readWatch({ chunks }: ResourceStream, handler: WatchHandler): Promise<void> {
  const lines = new JsonLines();
  for await (const chunk of chunks) {
    for (const event of parseLines(lines, chunk)) handleEvent(event, handler);
  }
}

function parseLines(lines: JsonLines, chunk: Buffer): unknown[] {
  try {
    return lines.push(chunk);
  } catch (error) {
    throw new ConnectionFailure('an event of the watch is not JSON', { cause: error });
  }
}

function handleEvent(event: unknown, handler: WatchHandler): void {
  const fields = fieldsOf(event);
  const type = textOf(fields?.['type']);
  const object = fields?.['object'];
  if (type === 'ERROR') throw parseStatus(object, 500);
  if (type === 'BOOKMARK') {
    const metadata = fieldsOf(fieldsOf(object)?.['metadata']);
    const resourceVersion = textOf(metadata?.['resourceVersion']);
    if (resourceVersion === undefined) throw new ConnectionFailure('a bookmark has no resourceVersion');
    handler.bookmark(resourceVersion, fieldsOf(metadata?.['annotations'])?.[INITIAL_EVENTS_END] === 'true');
    return;
  }
  const identity = identityOf(object);
  if (identity === undefined) throw new ConnectionFailure('an event of the watch has no object with a name');
  if (type === 'ADDED' || type === 'MODIFIED') handler.set(identity, object);
  else if (type === 'DELETED') handler.deleted(identity);
  else throw new ConnectionFailure(`a watch has no events of type ${type ?? 'unknown'}`);
}
