import type { ApiResponse, ApiTransport } from '../api/api-transport.ts';
import { ConnectionFailure } from '../api/api-transport.ts';
import { parseStatusText } from '../api/parse-status.ts';
import type { Clock } from './clock.ts';
import type { ResourceKind } from './resource-kind.ts';
import { resourcePath } from './resource-kind.ts';

/** The API server took the request, or a stream's beginning, and then said nothing for too long. */
export class Silence extends Error {
  override readonly name = 'Silence';
}

export interface ResourceRequest {
  readonly transport: ApiTransport;
  readonly clock: Clock;
  readonly resource: ResourceKind;
  readonly version: string;
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Until the head of the answer, and between two pieces of its body. */
  readonly answerMs: number;
  readonly silentMs: number;
}

/** Reads an answer piece by piece, and gives up when it falls silent. */
export interface ResourceStream {
  readonly chunks: AsyncIterable<Buffer>;
}

/**
 * Lists or watches a resource.
 *
 * @throws ConnectionFailure, Silence, ApiFailure
 */
export async function requestResource(request: ResourceRequest): Promise<ResourceStream> {
  const { transport, clock, resource, version, query } = request;
  const ours = new AbortController();
  let cancel = clock.after(request.answerMs, () => ours.abort(silence('no answer', request.answerMs)));
  const rethrow = (error: unknown): never => {
    cancel();
    if (ours.signal.aborted) throw ours.signal.reason;
    throw error;
  };
  const response = await transport
    .request({
      path: `${resourcePath(resource, version)}?${new URLSearchParams(query).toString()}`,
      accept: acceptOf(resource, 'watch' in query),
      signal: AbortSignal.any([request.signal, ours.signal]),
    })
    .catch(rethrow);
  const onSilence = (): void => ours.abort(silence('nothing more came', request.silentMs));
  async function* read(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of response.body) {
        cancel();
        cancel = clock.after(request.silentMs, onSilence);
        yield chunk;
      }
      // An end that we brought about ourselves is none of the answer's.
      if (ours.signal.aborted) rethrow(ours.signal.reason);
    } catch (error) {
      rethrow(error);
    } finally {
      cancel();
      // Whoever stops reading in the middle wants no more of it.
      ours.abort();
    }
  }
  cancel();
  cancel = clock.after(request.silentMs, onSilence);
  if (response.status !== 200) throw await readRefusal(response, read());
  return { chunks: read() };
}

function silence(what: string, afterMs: number): Silence {
  return new Silence(`${what} for ${Math.round(afterMs / 1000)} s`);
}

const MOST_REFUSAL_BYTES = 65_536;

async function readRefusal({ status, retryAfter }: ApiResponse, chunks: AsyncIterable<Buffer>): Promise<Error> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    length += chunk.length;
    if (length > MOST_REFUSAL_BYTES) break;
  }
  const text = Buffer.concat(pieces).toString('utf8');
  if (status >= 200 && status < 400) return new ConnectionFailure(`unexpected HTTP status ${status}`);
  return parseStatusText(text, status, retryAfter);
}

function acceptOf({ metadataOnly }: ResourceKind, watch: boolean): string {
  if (!metadataOnly) return 'application/json';
  const kind = watch ? 'PartialObjectMetadata' : 'PartialObjectMetadataList';
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
}
