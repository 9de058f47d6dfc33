import { type ClientHttp2Session, connect } from 'node:http2';

/** Of calls that began while it was measured. */
export interface LoadResult {
  readonly calls: number;
  /** Calls that did not end with OK, by what they ended with. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds, of those that ended with OK. */
  readonly latencies: readonly number[];
  /** How late the timers of the load were, in milliseconds: what else the machine did. */
  readonly lags: readonly number[];
  /** By the port of the pod. */
  readonly byPod: ReadonlyMap<number, number>;
}

export interface Load {
  /** Begins to count anew, and resolves with what was counted once all calls that began in `ms` are over. */
  measure(ms: number): Promise<LoadResult>;
  stop(): Promise<void>;
}

const CONNECTIONS = 4;
const TICK_MS = 5;
/** A call that takes longer is one that hangs. */
const GIVE_UP_MS = 10_000;
const MESSAGE = Uint8Array.of(0, 0, 0, 0, 0);

/** Calls at a steady rate, whether earlier ones have been answered or not. */
export function startLoad(port: number, callsPerSecond: number): Load {
  const sessions = Array.from({ length: CONNECTIONS }, () => openSession(port));
  let sink: Sink | undefined;
  let made = 0;
  let turn = 0;
  const startedAt = performance.now();
  let lastTick = startedAt;
  const timer = setInterval(() => {
    const now = performance.now();
    sink?.lags.push(Math.max(0, now - lastTick - TICK_MS));
    lastTick = now;
    const due = Math.floor(((now - startedAt) * callsPerSecond) / 1000);
    for (; made < due; made++) {
      const index = turn++ % CONNECTIONS;
      let session = sessions[index];
      // A proxy that ends a connection costs its calls; the next ones have another.
      if (session === undefined || session.destroyed || session.closed) {
        session = openSession(port);
        sessions[index] = session;
      }
      call(session, sink);
    }
  }, TICK_MS);
  return {
    async measure(ms) {
      const counted = new Sink();
      sink = counted;
      await new Promise((resolve) => setTimeout(resolve, ms));
      sink = undefined;
      await counted.settled();
      return counted;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(sessions.map((session) => closeSession(session)));
    },
  };
}

class Sink implements LoadResult {
  calls = 0;
  readonly failures: Record<string, number> = {};
  readonly latencies: number[] = [];
  readonly lags: number[] = [];
  readonly byPod = new Map<number, number>();
  #open = 0;
  #settle: (() => void) | undefined;

  begin(): void {
    this.calls++;
    this.#open++;
  }

  end(status: string, ms: number, pod: number): void {
    this.#open--;
    this.byPod.set(pod, (this.byPod.get(pod) ?? 0) + 1);
    if (status === '0') this.latencies.push(ms);
    else this.failures[status] = (this.failures[status] ?? 0) + 1;
    if (this.#open === 0) this.#settle?.();
  }

  async settled(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => (this.#settle = resolve));
  }
}

function call(session: ClientHttp2Session, sink: Sink | undefined): void {
  const begun = performance.now();
  sink?.begin();
  let status = 'no status';
  let pod = 0;
  const stream = openStream(session, '/bench.Bench/Call');
  stream.setTimeout(GIVE_UP_MS, () => stream.close(8));
  stream.on('response', (headers) => {
    pod = Number(headers['x-pod'] ?? 0);
    status = String(headers['grpc-status'] ?? status);
  });
  stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'] ?? status)));
  stream.on('error', () => undefined);
  stream.on('close', () => sink?.end(status, performance.now() - begun, pod));
  stream.resume();
  stream.end(MESSAGE);
}

export function openSession(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  return session;
}

export function openStream(session: ClientHttp2Session, path: string): ReturnType<ClientHttp2Session['request']> {
  return session.request({
    ':method': 'POST',
    ':path': path,
    ':authority': 'backend.default.svc.cluster.local:8000',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
}

export async function closeSession(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return;
  const closed = new Promise((resolve) => void session.once('close', resolve));
  session.destroy();
  await closed;
}
