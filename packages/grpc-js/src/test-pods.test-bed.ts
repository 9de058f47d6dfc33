import assert from 'node:assert/strict';
import type { ChannelOptions, ServerUnaryCall, experimental, sendUnaryData } from '@grpc/grpc-js';
import { Client, Metadata, Server, ServerCredentials, credentials, status } from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;
const path = '/steelyard.Test/Call';
const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const definition = { call: { path, requestStream: false, responseStream: false, ...bytes } };
const demo = {
  whoAreYou: { path: '/demo.Backend/WhoAreYou', requestStream: false, responseStream: false, ...bytes },
};

type Call = ServerUnaryCall<Buffer, Buffer>;

/** Makes a server answer with a name, and nothing else. */
export function answerWith(server: Server, name: string): void {
  server.addService(definition, {
    call: (_call: Call, done: sendUnaryData<Buffer>) => done(null, Buffer.from(name)),
  });
}

/**
 * A server of the documentation's `demo.Backend`, which answers `Answer { name }`.
 *
 * @param address `HOST:PORT`; the port may be 0
 */
export async function startDemoServer(name: string, address: string): Promise<{ server: Server; port: number }> {
  const server = new Server();
  const answer = Buffer.from([0x0a, name.length, ...Buffer.from(name)]);
  server.addService(demo, {
    whoAreYou: (_call: Call, done: sendUnaryData<Buffer>) => done(null, answer),
  });
  const port = await new Promise<number>((done, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) done(bound);
      else reject(error);
    });
  });
  return { server, port };
}

/** A real server; its answer is its name. A call `hold` stays open until `release`. */
export class TestPod {
  readonly name: string;
  readonly host: string;
  readonly peers = new Set<string>();
  readonly #held: (() => void)[] = [];
  #server = new Server();
  port = 0;
  /** Ends calls with this status instead of the name. */
  failWith: status = status.OK;
  /** Told of each call before it is answered. */
  onCall: () => void = () => undefined;
  /** An OrcaLoadReport that goes with every answer. */
  loadReport: Buffer | undefined;

  /** Streams that it takes on one connection. */
  maxStreams: number | undefined;

  constructor(name: string, host = '127.0.0.1') {
    this.name = name;
    this.host = host;
  }

  async start(port = this.port): Promise<this> {
    this.#server = new Server(this.maxStreams === undefined ? {} : { 'grpc.max_concurrent_streams': this.maxStreams });
    this.#server.addService(definition, {
      call: (received: Call, done: sendUnaryData<Buffer>) => {
        this.peers.add(received.getPeer());
        this.onCall();
        const answer = (): void => this.#answer(done);
        if (received.request.toString() === 'hold') this.#held.push(answer);
        else answer();
      },
    });
    this.port = await new Promise((resolve, reject) => {
      this.#server.bindAsync(`${this.host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return this;
  }

  #answer(done: sendUnaryData<Buffer>): void {
    const trailers = new Metadata();
    if (this.loadReport !== undefined) trailers.set('endpoint-load-metrics-bin', this.loadReport);
    if (this.failWith === status.OK) done(null, Buffer.from(this.name), trailers);
    else done({ code: this.failWith, details: `${this.name} fails` }, null, trailers);
  }

  get endpoint(): experimental.Endpoint {
    return { addresses: [{ host: this.host, port: this.port }] };
  }

  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  /** Takes leave of every connection (GOAWAY), and goes on listening. */
  sayGoodbye(): void {
    this.#server.drain(`${this.host}:${this.port}`, 10_000);
  }

  /** As a server does upon SIGTERM: no new calls, those under way end. */
  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.tryShutdown(() => resolve()));
  }

  kill(): void {
    this.#server.forceShutdown();
  }
}

const clients: Client[] = [];

/** A client that shares no connection with another one, and is quick to reconnect. */
export function openClient(target: string, options: ChannelOptions = {}): Client {
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    ...options,
  });
  clients.push(client);
  return client;
}

export function closeClients(): void {
  for (const client of clients.splice(0)) client.close();
}

/** The name of the pod that answers. */
export function call(
  client: Client,
  request = '',
  metadata: Metadata = new Metadata(),
  deadlineMs = 10_000,
): Promise<string> {
  const deadline = Date.now() + deadlineMs;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(request), metadata, { deadline }, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(answer?.toString() ?? '');
    });
  });
}

export async function countCalls(client: Client, calls: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let n = 0; n < calls; n++) {
    const name = await call(client).catch(() => '!');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** Calls until `enough` likes the latest answers (`!` is a failed call): connections take their time to come and go. */
export async function callUntil(
  client: Client,
  enough: (latest: readonly string[]) => boolean,
  limitMs = 10_000,
): Promise<void> {
  const answers: string[] = [];
  const deadline = Date.now() + limitMs;
  while (!enough(answers.slice(-10))) {
    assert.ok(Date.now() < deadline, `after ${limitMs} ms still only: ${answers.slice(-10).join()}`);
    answers.push(await call(client).catch(() => '!'));
  }
}

export const answersFromAll =
  (...pods: readonly TestPod[]) =>
  (latest: readonly string[]): boolean =>
    pods.every((pod) => latest.includes(pod.name));

/** The status of a call that must fail. */
export async function failure(outcome: Promise<string>): Promise<{ code: unknown; details: string }> {
  const error = await outcome.then(
    (answer) => assert.fail(`answered by ${answer}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error && 'code' in error && 'details' in error && typeof error.details === 'string');
  return { code: error.code, details: error.details };
}
