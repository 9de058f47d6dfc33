import { type ApiRequest, type ApiResponse, ConnectionFailure } from './api-transport.ts';

/** One way to an API server, over one connection or several. */
export interface ApiChannel {
  request(request: ApiRequest, headers: Readonly<Record<string, string>>): Promise<ApiResponse>;
  /** Takes no more requests. */
  readonly closed: boolean;
  close(): void;
}

/** Chunks until the stream's proper end; whatever else ends it is a failure. */
export async function* readBody(stream: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    throw toFailure(error);
  }
}

export function toFailure(error: unknown): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ConnectionFailure(message === '' ? 'the connection failed' : message, { cause: error });
}
