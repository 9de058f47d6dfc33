import { Client, credentials, status } from '@grpc/grpc-js';
import type { ChoosingPolicy } from '@steelyard/core/model';
import { serviceConfigFor } from '@steelyard/grpc-js';
import type { CallOutcome } from './drive-calls.ts';
import { echoMethod, loadEchoDefinition, parseSayReply } from './echo-definition.ts';

export interface EchoClientOptions {
  /** Any grpc-js target: `127.0.0.1:8000`, `dns://SERVER/NAME:PORT`. */
  readonly target: string;
  readonly authority?: string;
  readonly policy?: ChoosingPolicy;
  /** As grpc-js takes it; instead of `policy`. */
  readonly serviceConfig?: string;
}

export interface EchoClient {
  /** One unary call with a deadline. */
  say(this: void, done: (outcome: CallOutcome) => void): void;
  close(): void;
}

const DEADLINE_MS = 10_000;

/** One channel for everything, as a gRPC caller has it. Balances over its addresses as `policy` says. */
export function createEchoClient(options: EchoClientOptions): EchoClient {
  const serviceConfig =
    options.serviceConfig ?? (options.policy === undefined ? undefined : serviceConfigFor(options.policy));
  const client = new Client(options.target, credentials.createInsecure(), {
    // A proxy in the environment would take every call, whatever the target (grpc-js http_proxy.ts).
    'grpc.enable_http_proxy': 0,
    ...(options.authority === undefined ? {} : { 'grpc.default_authority': options.authority }),
    ...(serviceConfig === undefined ? {} : { 'grpc.service_config': serviceConfig }),
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
