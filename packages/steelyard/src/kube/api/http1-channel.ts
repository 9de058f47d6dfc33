import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { ApiRequest, ApiResponse } from './api-transport.ts';
import { type ApiChannel, readBody, toFailure } from './api-channel.ts';

/** TCP's own probes, for what HTTP/1.1 has no PING for. */
const KEEP_ALIVE_MS = 30_000;

/** One connection a request under way; for API servers, or proxies before them, that do not speak HTTP/2. */
export function createHttp1Channel(origin: string, tls: ConnectionOptions | undefined): ApiChannel {
  const keepAlive = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS };
  const agent = tls === undefined ? new HttpAgent(keepAlive) : new HttpsAgent({ ...tls, ...keepAlive });
  const start = tls === undefined ? httpRequest : httpsRequest;
  return {
    closed: false,
    request: ({ path, accept, signal }: ApiRequest, headers) =>
      new Promise<ApiResponse>((resolve, reject) => {
        const sent = start(
          origin + path,
          { agent, signal, headers: { ...headers, accept } },
          (answer: IncomingMessage) => {
            resolve({
              status: answer.statusCode ?? 0,
              ...(answer.headers['retry-after'] !== undefined && { retryAfter: answer.headers['retry-after'] }),
              body: readBody(answer),
            });
          },
        );
        sent.on('error', (error) => reject(toFailure(error)));
        sent.end();
      }),
    close: () => agent.destroy(),
  };
}
