import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ApiCredentials } from './credentials.ts';
import type { PluginCredential } from './exec-plugin.ts';
import { textField } from './json.ts';

/** An answer of the API server other than 200. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const REQUEST_TIMEOUT_MS = 15_000;
/** Of an answer or of one line of a watch: far above a Service of ten thousand Pods. */
const MAX_BYTES = 64 * 2 ** 20;

/** The two questions that a resolver has for an API server. */
export interface ApiClient {
  get(path: string, signal: AbortSignal): Promise<unknown>;
  /**
   * Resolves when the server ends the stream.
   *
   * @param silentMs without a byte for so long the stream is given up: behind a broken network there is never an end
   */
  watch(path: string, onEvent: (event: unknown) => void, silentMs: number, signal: AbortSignal): Promise<void>;
}

export function createApiClient(credentials: ApiCredentials): ApiClient {
  const { server, ca, insecure, exec } = credentials;
  const open = async (path: string, timeoutMs: number, signal: AbortSignal): Promise<IncomingMessage> => {
    const { token, cert, key } = exec === undefined ? fixedIdentity(credentials) : await exec.credential();
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const asked = send(
        url,
        {
          headers: {
            accept: 'application/json',
            'user-agent': 'steelyard-grpc-js',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          ...(ca !== undefined && { ca }),
          ...(cert !== undefined && { cert }),
          ...(key !== undefined && { key }),
          ...(insecure === true && { rejectUnauthorized: false }),
          timeout: timeoutMs,
          signal,
        },
        resolve,
      );
      asked.on('socket', (socket) => {
        // A channel is not work that is left to do: it must not keep the process alive.
        socket.unref();
        socket.setKeepAlive(true, 30_000);
      });
      asked.on('timeout', () => asked.destroy(new Error(`nothing was heard for ${timeoutMs / 1000} s`)));
      asked.on('error', reject);
      asked.end();
    });
    if (answer.statusCode === 401) exec?.forget();
    return answer;
  };

  return {
    async get(path, signal) {
      const answer = await open(path, REQUEST_TIMEOUT_MS, signal);
      const text = await readText(answer);
      if (answer.statusCode !== 200) throw toApiError(answer.statusCode ?? 0, text);
      return JSON.parse(text);
    },
    async watch(path, onEvent, silentMs, signal) {
      const answer = await open(path, silentMs, signal);
      if (answer.statusCode !== 200) throw toApiError(answer.statusCode ?? 0, await readText(answer));
      answer.setEncoding('utf8');
      let rest = '';
      for await (const chunk of answer) {
        rest += String(chunk);
        if (rest.length > MAX_BYTES) throw new Error('a watch event is too long');
        for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
          const line = rest.slice(0, end);
          rest = rest.slice(end + 1);
          if (line.trim() !== '') onEvent(JSON.parse(line));
        }
      }
    },
  };
}

function fixedIdentity({ token, cert, key }: ApiCredentials): PluginCredential {
  return {
    ...(token && { token: token() }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

async function readText(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > MAX_BYTES) throw new Error('the answer is too long');
  }
  return text;
}

/** The API server explains itself in a Status object. */
function toApiError(status: number, text: string): ApiError {
  let message: string | undefined;
  try {
    message = textField(JSON.parse(text), 'message');
  } catch {
    // Whoever stands before the API server need not speak JSON.
  }
  return new ApiError(status, message ?? `HTTP status ${status}`);
}
