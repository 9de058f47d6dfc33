/**
 * The pods of the benchmark, a process of its own. Each answers a call after 2 to 6 ms, and a stream for as long as it likes,
 * with its port as `x-pod`; what is the matter with it, it is told.
 */
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type Fault, isPodCommand, type PodEvent } from './pod-messages.ts';

const LATE_MS = 200;
/** Streams that do not end by themselves end with their pod. */
const GRACE_MS = 1500;
const UNAVAILABLE = '14';
const RESOURCE_EXHAUSTED = '8';

interface Pod {
  readonly server: Http2Server;
  readonly sessions: Set<ServerHttp2Session>;
  readonly streams: Set<ServerHttp2Stream>;
  fault: Fault;
}

const pods = new Map<number, Pod>();

function tell(event: PodEvent): void {
  process.send?.(event);
}

function start(): void {
  const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
  const pod: Pod = { server, sessions: new Set(), streams: new Set(), fault: 'none' };
  let port = 0;
  server.on('session', (session) => {
    pod.sessions.add(session);
    session.on('close', () => pod.sessions.delete(session)).on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (headers[':path'] === '/bench.Bench/Stream') serveStream(pod, stream, port);
    else serveCall(pod.fault, stream, port);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    pods.set(port, pod);
    tell({ op: 'started', port });
  });
}

function serveCall(fault: Fault, stream: ServerHttp2Stream, port: number): void {
  stream.resume();
  if (fault === 'unavailable' || fault === 'exhausted') {
    const status = fault === 'unavailable' ? UNAVAILABLE : RESOURCE_EXHAUSTED;
    stream.respond({ ...head(port), 'grpc-status': status }, { endStream: true });
    return;
  }
  setTimeout(
    () => {
      if (stream.destroyed) return;
      stream.respond(head(port), { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Uint8Array.of(0, 0, 0, 0, 0));
    },
    (fault === 'late' ? LATE_MS : 0) + 2 + 4 * Math.random(),
  );
}

function serveStream({ streams }: Pod, stream: ServerHttp2Stream, port: number): void {
  streams.add(stream);
  stream.on('close', () => streams.delete(stream));
  stream.respond(head(port), { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.on('data', (chunk: Buffer) => stream.write(chunk));
}

function head(port: number): Record<string, string | number> {
  return { ':status': 200, 'content-type': 'application/grpc', 'x-pod': String(port) };
}

function drain(port: number, { server, sessions, streams }: Pod): void {
  server.close(() => {
    pods.delete(port);
    tell({ op: 'drained', port });
  });
  for (const session of sessions) session.close();
  setTimeout(() => {
    for (const stream of streams) stream.end();
  }, GRACE_MS);
}

process.on('message', (message) => {
  if (!isPodCommand(message)) return;
  if (message.op === 'start') {
    start();
    return;
  }
  const pod = pods.get(message.port);
  if (pod === undefined) return;
  if (message.op === 'fault') pod.fault = message.fault;
  else drain(message.port, pod);
});
process.on('disconnect', () => process.exit(0));
