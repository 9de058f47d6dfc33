import { ApiFailure, ConnectionFailure } from '../api/api-transport.ts';
import { JsonItems } from '../api/json-items.ts';
import { fieldsOf, textOf } from '../untrusted.ts';
import { identityOf, type Replacement } from './object-store.ts';
import type { ResourceStream } from './resource-request.ts';

/** client-go's pager asks for as many. The watch cache answers with all at once where it may (`resourceVersion` 0). */
const PAGE_SIZE = 500;

export interface ListPlan {
  /** `0`: whatever the API server has at hand; a version: not older than it; empty: the newest, whatever it costs. */
  readonly resourceVersion: string;
  readonly paged: boolean;
}

/**
 * Reads a whole list, page by page, into a replacement, without putting it in force. Returns the list's version.
 *
 * @throws ApiFailure, ConnectionFailure, Silence
 */
export async function readList(
  plan: ListPlan,
  get: (query: Readonly<Record<string, string>>) => Promise<ResourceStream>,
  into: Replacement,
  version: string,
): Promise<string> {
  let next: string | undefined;
  for (;;) {
    const stream = await get({
      ...(plan.paged && { limit: String(PAGE_SIZE) }),
      // A page's token holds the version: giving it again is an error.
      ...(next !== undefined
        ? { continue: next }
        : plan.resourceVersion !== '' && { resourceVersion: plan.resourceVersion }),
    });
    const { resourceVersion, more } = await readPage(stream, into, version);
    if (more === '') return resourceVersion;
    next = more;
  }
}

async function readPage(
  { chunks }: ResourceStream,
  into: Replacement,
  version: string,
): Promise<{ resourceVersion: string; more: string }> {
  const items = new JsonItems();
  let envelope: unknown;
  try {
    for await (const chunk of chunks) {
      for (const item of items.push(chunk)) {
        const identity = identityOf(item);
        if (identity === undefined) throw new ConnectionFailure('an item of the list is not an object with a name');
        into.add(identity, item, version);
      }
    }
    envelope = items.finish();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ConnectionFailure('the list is cut off or not JSON', { cause: error });
  }
  const metadata = fieldsOf(fieldsOf(envelope)?.['metadata']);
  const resourceVersion = textOf(metadata?.['resourceVersion']);
  if (resourceVersion === undefined) throw new ConnectionFailure('the list has no metadata.resourceVersion');
  return { resourceVersion, more: textOf(metadata?.['continue']) ?? '' };
}

/** The history behind a version or a page's token is gone (HTTP 410 Gone). */
export function isExpired(error: unknown): error is ApiFailure {
  return error instanceof ApiFailure && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** The API server we talk to now is behind the one that gave us the version (apimachinery, `IsTooLargeResourceVersion`). */
export function isTooLargeVersion(error: unknown): error is ApiFailure {
  return (
    error instanceof ApiFailure &&
    (error.causes.includes('ResourceVersionTooLarge') ||
      (error.status === 504 && error.message.includes('Too large resource version')))
  );
}
