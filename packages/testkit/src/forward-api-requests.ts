import { request as httpsRequest, Agent } from 'node:https';
import type { FakeAnswer, FakeRequest } from './fake-api-server-reads.ts';

/** Passes requests on to another API server of this machine, so that what goes wrong on the way can be chosen. */
export function forwardApiRequests(
  port: () => number,
): (request: FakeRequest, answer: FakeAnswer, reset: () => void) => void {
  const agent = new Agent({ keepAlive: false, rejectUnauthorized: false });
  return ({ path, query, headers }, answer, reset) => {
    const { accept, authorization } = headers;
    const upstream = httpsRequest({
      host: '127.0.0.1',
      port: port(),
      path: `${path}?${query.toString()}`,
      agent,
      headers: {
        accept: String(accept),
        ...(authorization !== undefined && { authorization: String(authorization) }),
      },
    });
    upstream.on('error', reset);
    upstream.on('response', (response) => {
      const retryAfter = response.headers['retry-after'];
      answer.head(response.statusCode ?? 500, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
      response.setEncoding('utf8');
      response.on('data', (text: string) => answer.write(text));
      response.on('end', () => answer.end());
      response.on('error', reset);
    });
    answer.onEnd = () => void upstream.destroy();
    upstream.end();
  };
}
