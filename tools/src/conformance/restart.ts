import { Client, credentials } from '@grpc/grpc-js';
import { type ClientHttp2Session, constants, connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitingCalls } from '../interop/run-calls.ts';
import { METHODS } from '../interop/service.ts';
import { AUTHORITY, startSubject } from '../peers/index.ts';
import { startInteropBackend } from './interop.ts';
import { download } from './streams.ts';
import type { SuiteOptions, SuiteResult } from './suite.ts';

const ROUNDS = 3;
const CALLS_PER_TICK = 2;
const TICK_MS = 5;
/** Calls before each restart and after it. */
const BEFORE_MS = 500;
const AFTER_MS = 1000;
/** Of 64 KiB: under way when the proxy is told to end. */
const STREAM_MESSAGES = 800;
const EXIT_WITHIN_MS = 20_000;
const SHOWN = 10;

/**
 * Proxies that are replaced while callers call, as in a rollout: new connections go to the new one from the moment that the
 * old one gets SIGTERM. Callers that heed GOAWAY must not lose a call: grpc-js, node:http2, and a stream that goes on.
 */
export async function restart(options: SuiteOptions): Promise<SuiteResult> {
  const backend = await startInteropBackend();
  const relay = await startRelay();
  let current = await startSubject(options.subject, backend.port);
  relay.target = current.port;
  const grpc = new Client(`127.0.0.1:${relay.port}`, credentials.createInsecure(), {
    'grpc.default_authority': AUTHORITY,
    'grpc.use_local_subchannel_pool': 1,
  });
  const plain = new PatientCaller(relay.port);
  const failures: string[] = [];
  const pending: Promise<unknown>[] = [];
  const make = (name: string, call: () => Promise<unknown>): void => {
    pending.push(call().catch((error: unknown) => failures.push(`restart: ${name}: ${String(error).slice(0, 200)}`)));
  };
  const calling = setInterval(() => {
    for (let i = 0; i < CALLS_PER_TICK; i++) {
      make('grpc-js', () => waitingCalls(grpc));
      make('node:http2', () => plain.call());
    }
  }, TICK_MS);
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const next = await startSubject(options.subject, backend.port, round % 2 === 0 ? {} : { wrap: withTwoWorkers });
      await sleep(BEFORE_MS);
      make('a stream', () => download(grpc, STREAM_MESSAGES));
      await sleep(TICK_MS);
      const old = current;
      process.kill(old.process.pid, 'SIGTERM');
      relay.target = next.port;
      current = next;
      const left = await Promise.race([old.process.exited.then(() => true), sleep(EXIT_WITHIN_MS, false)]);
      if (!left) failures.push(`restart: the proxy of round ${round} is still there after ${EXIT_WITHIN_MS / 1000} s`);
      await sleep(AFTER_MS);
      await old.stop();
      options.say(`round ${round}: ${pending.length} calls so far, ${failures.length} failed`);
    }
  } finally {
    clearInterval(calling);
    await Promise.all(pending);
    grpc.close();
    plain.close();
    await current.stop();
    relay.server.close();
    await backend.process.stop();
  }
  return {
    summary:
      `restart: ${pending.length} calls over ${ROUNDS} restarts, ${failures.length} failed; ` +
      `${plain.again} of node:http2 were refused unprocessed and made again`,
    failures: failures.length > SHOWN ? [...failures.slice(0, SHOWN), `and ${failures.length - SHOWN} more`] : failures,
  };
}

/** Every other of ours has its calls in processes of their own, which have to drain as well. */
function withTwoWorkers(command: readonly string[]): readonly string[] {
  return command.map((part, i) => (command[i - 1] === '--workers' ? '2' : part));
}

interface Relay {
  readonly port: number;
  readonly server: Server;
  /** Port that connections from now on are led to. */
  target: number;
}

/** What a Service is to its callers: connections that are there stay where they are, new ones go where it says now. */
async function startRelay(): Promise<Relay> {
  const join = (from: Socket, to: Socket): void => {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  };
  const server = createServer((socket) => {
    const onward = connect(relay.target, '127.0.0.1');
    join(socket, onward);
    join(onward, socket);
  });
  const relay = { port: 0, server, target: 0 };
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  relay.port = address !== null && typeof address === 'object' ? address.port : 0;
  return relay;
}

/**
 * node:http2 with what RFC 9113 asks of clients: after GOAWAY new calls go on a new connection and the old ones finish (§6.8);
 * what was refused goes there again (§8.7). nghttp2 itself refuses what it had queued when the GOAWAY came.
 */
class PatientCaller {
  /** Calls that were made a second time. */
  again = 0;
  readonly #port: number;
  #session: ClientHttp2Session | undefined = undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async call(): Promise<void> {
    if ((await this.#attempt()) === 'refused') {
      this.again++;
      if ((await this.#attempt()) === 'refused') throw new Error('refused twice');
    }
  }

  #attempt(): Promise<'done' | 'refused'> {
    const stream = this.#open().request({
      ':method': 'POST',
      ':path': METHODS.unary.path,
      ':authority': AUTHORITY,
      'content-type': 'application/grpc',
      te: 'trailers',
      'interop-command': 'report',
    });
    return new Promise((resolve, reject) => {
      let status: unknown;
      stream.on('response', (headers) => (status = headers['grpc-status']));
      stream.on('trailers', (trailers) => (status = trailers['grpc-status']));
      stream.on('error', (error) => {
        if (stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM) reject(error);
      });
      stream.on('close', () => {
        if (String(status) === '0') resolve('done');
        else if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) resolve('refused');
        else reject(new Error(`ended with grpc-status ${String(status)}, RST_STREAM ${stream.rstCode}`));
      });
      // An empty message (gRPC's length prefix, and nothing).
      stream.resume().end(Buffer.alloc(5));
    });
  }

  #open(): ClientHttp2Session {
    const there = this.#session;
    if (there !== undefined && !there.closed && !there.destroyed) return there;
    const session = connectHttp2(`http://127.0.0.1:${this.#port}`);
    session.on('error', () => undefined);
    session.on('goaway', () => {
      if (this.#session === session) this.#session = undefined;
      session.close();
    });
    this.#session = session;
    return session;
  }

  close(): void {
    this.#session?.destroy();
  }
}
