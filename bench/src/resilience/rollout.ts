import { closeSession, openSession, openStream, startLoad } from './load.ts';
import type { Pods } from './pods.ts';
import type { Proxy } from './subject-kind.ts';
import { startSubject } from './subjects.ts';

/** All pods replaced, one after the other, under load. */
export interface RolloutRun {
  readonly subject: Proxy;
  readonly calls: number;
  /** Unary calls that did not end with OK, by what they ended with. */
  readonly failures: Readonly<Record<string, number>>;
  readonly streams: number;
  /** Streams that ended although their pod had not begun to end. */
  readonly streamsLost: number;
}

const CALLS_PER_SECOND = 2000;
const STREAMS = 40;
const WARM_UP_MS = 1500;
/** From one pod to the next. */
const STEP_MS = 600;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * For each pod: a new one comes, the old one leaves the endpoints, and at the same moment begins to drain, as Kubernetes does
 * both at once. Retries are Istio's default on both sides.
 */
export async function measureRollout(pods: Pods, proxy: Proxy, count: number): Promise<RolloutRun> {
  const old = await Promise.all(Array.from({ length: count }, () => pods.start()));
  const current = [...old];
  const ending = new Set<number>();
  const subject = await startSubject({ proxy, policy: 'LEAST_REQUEST', terms: false, retries: true }, current);
  const session = openSession(subject.port);
  let streamsLost = 0;
  let isOver = false;
  const streams = Array.from({ length: STREAMS }, () => {
    const stream = openStream(session, '/bench.Bench/Stream');
    let pod = 0;
    stream.on('response', (headers) => (pod = Number(headers['x-pod'] ?? 0)));
    stream
      .on('error', () => undefined)
      .on('close', () => {
        if (!isOver && !ending.has(pod)) streamsLost++;
      });
    stream.resume();
    stream.write(Uint8Array.of(0, 0, 0, 0, 0));
    return stream;
  });
  const load = startLoad(subject.port, CALLS_PER_SECOND);
  await load.measure(WARM_UP_MS);
  const measured = load.measure(STEP_MS * 2 * (count + 1));
  const gone: Promise<void>[] = [];
  for (const port of old) {
    await wait(STEP_MS);
    current.push(await pods.start());
    subject.setPods(current);
    await wait(STEP_MS);
    ending.add(port);
    current.splice(current.indexOf(port), 1);
    subject.setPods(current);
    gone.push(pods.drain(port));
  }
  await Promise.all(gone);
  const { calls, failures } = await measured;
  isOver = true;
  await closeSession(session);
  await load.stop();
  await subject.stop();
  await Promise.all(current.map((port) => pods.drain(port)));
  return { subject: proxy, calls, failures, streams: streams.length, streamsLost };
}
