import { Client, credentials, status } from '@grpc/grpc-js';
import type { LoadBalancerPolicy } from '@steelyard/core/model';
import { serviceConfigFor } from '@steelyard/grpc-js';
import type { CallOutcome } from './drive-calls.ts';
import { echoMethod, loadEchoDefinition, parseSayReply } from './echo-definition.ts';

export interface EchoClientOptions {
  /** Any grpc-js target: `127.0.0.1:8000`, `dns://SERVER/NAME:PORT`. */
  readonly target: string;
  readonly authority?: string;
  readonly policy?: LoadBalancerPolicy;
}

export interface EchoClient {
  /** One unary call with a deadline. */
  say(this: void, done: (outcome: CallOutcome) => void): void;
  close(): void;
}

const DEADLINE_MS = 10_000;

/** One channel for everything, as a gRPC caller has it. Balances over its addresses as `policy` says. */
export function createEchoClient(options: EchoClientOptions): EchoClient {
  const client = new Client(options.target, credentials.createInsecure(), {
    // A proxy in the environment would take every call, whatever the target (grpc-js http_proxy.ts).
    'grpc.enable_http_proxy': 0,
    ...(options.authority === undefined ? {} : { 'grpc.default_authority': options.authority }),
    ...(options.policy === undefined ? {} : { 'grpc.service_config': serviceConfigFor(options.policy) }),
  });
  const { path, requestSerialize, responseDeserialize } = echoMethod(loadEchoDefinition(), 'Say');
  const request = { message: 'steelyard' };
  return {
    say(done): void {
      const deadline = Date.now() + DEADLINE_MS;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, value) => {
        if (error !== null) {
          done({ kind: 'failed', reason: `${status[error.code] ?? error.code}: ${error.details}` });
          return;
        }
        const reply = value === undefined ? undefined : parseSayReply(value);
        if (reply === undefined) done({ kind: 'failed', reason: 'the answer is no SayReply' });
        else done({ kind: 'answered', address: reply.address });
      });
    },
    close(): void {
      client.close();
    },
  };
}
