import type { Fault, Route, RouteMatch } from '@steelyard/core/model';
import { grpcOfHttp, redirectTarget } from '@steelyard/core/routing';
import type { Random } from '@steelyard/core/balance';
import type { CallFailure } from '../calls/grpc-status.ts';

/** What a redirect goes by where its rule leaves it open. */
interface Arrival {
  /** Of the request; `http` where it is not said. */
  readonly scheme?: string;
  /** That the call came to, for an authority that names none. */
  readonly port?: number;
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
  { scheme = 'http', port = 0 }: Arrival = {},
): CallFailure | undefined {
  const { answer } = route;
  if (answer === undefined) return undefined;
  const headers = route.headers === undefined ? {} : { headers: route.headers.response };
  const status = grpcOfHttp(answer.status);
  if (answer.kind === 'direct') {
    if (answer.body !== '') return { status, message: answer.body, verbatim: true, ...headers };
    return { status, message: `route ${route.name} answers with HTTP status ${answer.status}`, ...headers };
  }
  const where = redirectTarget(answer, match, { path, authority, scheme }, port);
  const message = `route ${route.name} redirects to ${where} with HTTP status ${answer.status}, which gRPC callers do not follow`;
  return { status, message, ...headers };
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
