import type { Clock } from '../cluster/clock.ts';
import type { ApiTransport } from './api-transport.ts';

/** A discovery document of a group with very many kinds. */
const MOST_BYTES = 4 << 20;

export interface SmallAnswer {
  readonly status: number;
  /** `undefined` where it is no JSON. */
  readonly value: unknown;
}

/**
 * Gets a small document of the API server. Rejects when none came within `timeoutMs`.
 *
 * @throws ConnectionFailure
 */
export async function getJson(
  transport: ApiTransport,
  path: string,
  { clock, timeoutMs, signal }: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<SmallAnswer> {
  const ours = new AbortController();
  const cancel = clock.after(timeoutMs, () => ours.abort());
  try {
    const answer = await transport.request({
      path,
      accept: 'application/json',
      signal: AbortSignal.any([signal, ours.signal]),
    });
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of answer.body) {
      pieces.push(piece);
      length += piece.length;
      if (length > MOST_BYTES) break;
    }
    return { status: answer.status, value: parse(Buffer.concat(pieces).toString('utf8')) };
  } finally {
    cancel();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
