import type { Fault, Route, RouteMatch } from '@steelyard/core/model';
import { matchedPrefix } from '@steelyard/core/routing';
import type { Random } from '@steelyard/core/balance';
import type { CallFailure } from '../calls/grpc-status.ts';

const UNKNOWN = 2;

/** What a gRPC caller makes of an HTTP status that comes without one of gRPC (grpc/doc/http-grpc-status-mapping.md). */
const GRPC_OF_HTTP: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

function grpcOfHttp(status: number): number {
  return GRPC_OF_HTTP.get(status) ?? UNKNOWN;
}

/**
 * What a route says by itself, as a gRPC caller sees it: a status in trailers only, as Envoy's local replies are. gRPC
 * knows no redirect, so one is a status that tells where to.
 */
export function answerOf(
  route: Route,
  match: RouteMatch | undefined,
  path: string,
  authority: string,
): CallFailure | undefined {
  const { answer } = route;
  if (answer === undefined) return undefined;
  const headers = route.headers === undefined ? {} : { headers: route.headers.response };
  if (answer.kind === 'direct') {
    const status = grpcOfHttp(answer.status);
    if (answer.body !== '') return { status, message: answer.body, verbatim: true, ...headers };
    return { status, message: `route ${route.name} answers with HTTP status ${answer.status}`, ...headers };
  }
  const host = answer.authority ?? authority;
  const prefix = matchedPrefix(match);
  const target =
    answer.uri ??
    (answer.prefixRewrite === undefined
      ? path
      : answer.prefixRewrite + (prefix === undefined ? '' : path.slice(prefix.length)));
  const where = `${answer.scheme ?? 'http'}://${host}${typeof answer.port === 'number' ? `:${answer.port}` : ''}${target}`;
  const message = `route ${route.name} redirects to ${where} with HTTP status ${answer.status}, which gRPC callers do not follow`;
  return { status: grpcOfHttp(answer.status), message, ...headers };
}

/** How long a fault holds this call back, in milliseconds; 0 is not at all. `random` is called only when there is a choice. */
export function delayOf(fault: Fault | undefined, random: Random): number {
  const delay = fault?.delay;
  if (delay === undefined || delay.percent <= 0) return 0;
  return delay.percent < 100 && random() * 100 >= delay.percent ? 0 : delay.fixedDelayMs;
}

/** An abort that a fault injects into this call. `random` is called only when there is a choice. */
export function abortOf(fault: Fault | undefined, random: Random): CallFailure | undefined {
  const abort = fault?.abort;
  if (abort === undefined || abort.percent <= 0) return undefined;
  if (abort.percent < 100 && random() * 100 >= abort.percent) return undefined;
  const { status } = abort;
  return {
    status: status.kind === 'grpc' ? status.code : grpcOfHttp(status.status),
    message: 'a fault injected by the route aborts this call',
  };
}
