import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions, request as httpsRequest } from 'node:https';
import { type Duplex, PassThrough } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { ApiRequest, ApiResponse } from './api-transport.ts';
import { type ApiChannel, readBody, toFailure } from './api-channel.ts';

/** TCP's own probes, for what HTTP/1.1 has no PING for. */
const KEEP_ALIVE_MS = 30_000;

/** Connections that are not made by Node's own means. */
class DialingAgent extends HttpsAgent {
  readonly #dial: () => Promise<Duplex>;

  constructor(options: AgentOptions, dial: () => Promise<Duplex>) {
    super(options);
    this.#dial = dial;
  }

  override createConnection(
    _options: object,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const dial = async (): Promise<void> => {
      try {
        callback?.(null, await this.#dial());
      } catch (error) {
        // Of the two only the error is looked at.
        callback?.(toFailure(error), new PassThrough());
      }
    };
    void dial();
    return undefined;
  }
}

/**
 * One connection a request under way; for API servers, or proxies before them, that do not speak HTTP/2.
 *
 * @param dial how a connection is made, where not directly
 */
export function createHttp1Channel(
  origin: string,
  tls: ConnectionOptions | undefined,
  dial: (() => Promise<Duplex>) | undefined,
): ApiChannel {
  const keepAlive = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS };
  const tlsAgent = (options: AgentOptions): HttpsAgent =>
    dial === undefined ? new HttpsAgent(options) : new DialingAgent(options, dial);
  const agent = tls === undefined ? new HttpAgent(keepAlive) : tlsAgent({ ...tls, ...keepAlive });
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
