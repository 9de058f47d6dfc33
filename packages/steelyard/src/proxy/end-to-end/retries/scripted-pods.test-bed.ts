import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { GRPC_STATUS_NAMES } from '@steelyard/core/model';
import { echo, type PodBehaviour, type TestReply } from '@steelyard/testkit';
import { startTimedBed, type TimedBed } from '../../transport/engine.test-bed.ts';
import { compileRules, type Rules, type RulesBed, startPods, startRules } from '../proxy-rules.test-bed.ts';

const HEAD = { ':status': 200, 'content-type': 'application/grpc' };

/** A status and nothing else, in one header block. */
export const says =
  (status: string, more: object = {}): PodBehaviour =>
  (stream) => {
    stream.respond({ ...HEAD, 'grpc-status': codeOf(status), ...more }, { endStream: true });
  };

/** A header first, and the status in trailers; no message. */
export const endsWith =
  (status: string, more: object = {}): PodBehaviour =>
  (stream) => {
    stream.respond({ ...HEAD, 'x-head': 'yes' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': codeOf(status), ...more }));
    stream.end();
  };

/** A message, and then the status. */
export const answersThenEnds =
  (status: string): PodBehaviour =>
  (stream) => {
    stream.respond(HEAD, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': codeOf(status) }));
    stream.end('message');
  };

/** No gRPC at all. */
export const http =
  (status: number, more: object = {}): PodBehaviour =>
  (stream) => {
    stream.respond({ ':status': status, ...more });
    stream.end('no gRPC');
  };

export const resets =
  (code: number): PodBehaviour =>
  (stream) => {
    // Once all of the request is there: nobody can say that the pod has not looked at it.
    stream.on('data', () => undefined).on('end', () => stream.close(code));
  };

export const hangs: PodBehaviour = (stream) => void stream.on('data', () => undefined);

function codeOf(status: string): string {
  return String(GRPC_STATUS_NAMES.indexOf(status));
}

/** What came to the pods, in order. */
export interface Arrival {
  readonly pod: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ServerHttp2Stream;
}

export interface ScriptedBed extends RulesBed {
  readonly arrivals: readonly Arrival[];
}

export interface TimedScriptedBed extends TimedBed {
  readonly arrivals: readonly Arrival[];
}

/** Pods that play one script together: the first call that comes has the first behaviour, whichever pod it comes to. */
export async function startScript(
  podCount: number,
  script: readonly PodBehaviour[],
  rules: Omit<Rules, 'pods'> = {},
): Promise<ScriptedBed> {
  const { pods, arrivals } = actors(podCount, script);
  return { ...(await startRules({ ...rules, pods })), arrivals };
}

/** The same by a clock that the test sets. Chance is 0.5. */
export async function startTimedScript(
  podCount: number,
  script: readonly PodBehaviour[],
  rules: Omit<Rules, 'pods'> = {},
): Promise<TimedScriptedBed> {
  const { pods, arrivals } = actors(podCount, script);
  const current = compileRules(await startPods({ pods }), { ...rules, pods });
  return { ...(await startTimedBed({ current })), arrivals };
}

function actors(
  count: number,
  script: readonly PodBehaviour[],
): { readonly pods: Rules['pods']; readonly arrivals: readonly Arrival[] } {
  const arrivals: Arrival[] = [];
  const pods = Array.from({ length: count }, (_, pod) => ({
    behaviour: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
      const behaviour = script[arrivals.length] ?? echo;
      arrivals.push({ pod, headers, stream });
      behaviour(stream, headers);
    },
  }));
  return { pods, arrivals };
}

/** Turns of the event loop until it holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** The name of the gRPC status of a reply. */
export function statusOf({ headers, trailers }: TestReply): string {
  const code = Number(trailers['grpc-status'] ?? headers['grpc-status'] ?? 2);
  return GRPC_STATUS_NAMES[code] ?? '';
}

/** One rule that takes every call, with these retries. */
export function withRetries(retries: object, more: object = {}): { readonly http: readonly object[] } {
  return {
    http: [{ retries: { backoff: '1ms', ...retries }, route: [{ destination: { host: 'backend' } }], ...more }],
  };
}
