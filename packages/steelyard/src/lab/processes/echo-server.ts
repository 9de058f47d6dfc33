import { Readable } from 'node:stream';
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { formatAddress, type SocketAddress } from '../../net-address.ts';
import type { SayReply, SayRequest } from './echo-definition.ts';
import { ECHO_SERVICE_NAME, loadEchoDefinition } from './echo-definition.ts';

export interface EchoServerOptions {
  readonly listen: SocketAddress;
  readonly pod: string;
  /** What the answers give as the pod's address. */
  readonly address: string;
}

export interface EchoServer {
  readonly address: SocketAddress;
  /** Lets nobody in, says goodbye on every connection (GOAWAY), and resolves when what is under way has ended. */
  drain(): Promise<void>;
  close(): void;
}

interface CountRequest {
  readonly message: string;
  readonly times: number;
}

interface CollectReply {
  readonly pod: string;
  readonly address: string;
  readonly messages: number;
  readonly last: string;
}

const MAX_COUNT = 10_000;

/** One pod: `echo.Echo` with its name in every answer, and `grpc.health.v1`. Rejects when the address cannot be had. */
export async function startEchoServer(options: EchoServerOptions): Promise<EchoServer> {
  const { pod, address } = options;
  const replyTo = (message: string): SayReply => ({ pod, address, message });
  const server = new Server();
  server.addService(loadEchoDefinition(), {
    Say(call: ServerUnaryCall<SayRequest, SayReply>, callback: sendUnaryData<SayReply>): void {
      callback(null, replyTo(call.request.message));
    },
    Count(call: ServerWritableStream<CountRequest, SayReply>): void {
      const { times, message } = call.request;
      if (times > MAX_COUNT) {
        call.emit('error', { code: status.INVALID_ARGUMENT, details: `times is ${times}: at most ${MAX_COUNT}` });
        return;
      }
      pour(Readable.from(numbered(message, times)), call, replyTo);
    },
    Collect(call: ServerReadableStream<SayRequest, CollectReply>, callback: sendUnaryData<CollectReply>): void {
      let messages = 0;
      let last = '';
      call.on('data', (request: SayRequest) => {
        messages += 1;
        last = request.message;
      });
      call.on('end', () => callback(null, { pod, address, messages, last }));
    },
    Chat(call: ServerDuplexStream<SayRequest, SayReply>): void {
      pour(call, call, replyTo);
    },
  });
  const health = new HealthImplementation({ '': 'SERVING', [ECHO_SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(formatAddress(options.listen), ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new EchoListenError(error));
    });
  });
  return {
    address: { host: options.listen.host, port },
    drain: () => shutDown(server),
    close: () => server.forceShutdown(),
  };
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.tryShutdown((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

function* numbered(message: string, times: number): Generator<SayRequest> {
  for (let n = 1; n <= times; n += 1) yield { message: `${message} ${n}` };
}

/** Writes what `source` gives, no faster than the client takes it; ends with it, or when the client gives up. */
function pour(
  source: Readable,
  call: ServerWritableStream<CountRequest, SayReply> | ServerDuplexStream<SayRequest, SayReply>,
  replyTo: (message: string) => SayReply,
): void {
  source.on('data', ({ message }: SayRequest) => {
    if (call.write(replyTo(message))) return;
    source.pause();
    call.once('drain', () => source.resume());
  });
  source.on('end', () => call.end());
  call.on('cancelled', () => source.destroy());
}

/** The system's code that grpc-js buries in its message: `EADDRINUSE`. */
class EchoListenError extends Error {
  override readonly name = 'EchoListenError';
  readonly code: string;

  constructor(error: Error) {
    super(error.message);
    this.code = /\bE[A-Z]{3,}\b/.exec(error.message)?.[0] ?? 'UNKNOWN';
  }
}
