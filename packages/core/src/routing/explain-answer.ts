import { GRPC_STATUS_NAMES, type RouteAnswer, type RouteMatch, type VirtualHost } from '../model/index.ts';
import { grpcOfHttp } from './grpc-of-http.ts';
import { redirectTarget } from './redirect-target.ts';
import type { RouteRequest } from './route-request.ts';

/** What a route says by itself, and what gRPC callers make of it. */
export function explainAnswer(
  answer: RouteAnswer,
  match: RouteMatch | undefined,
  request: RouteRequest,
  host: VirtualHost,
): { readonly part: string; readonly decision: string; readonly because: readonly string[] } {
  const gets = `Callers get ${renderStatus(grpcOfHttp(answer.status))}`;
  if (answer.kind === 'direct') {
    const said = answer.body === '' ? '.' : `, with the message ${JSON.stringify(answer.body)}.`;
    const decision = `The route answers by itself, with HTTP status ${answer.status}.`;
    return { part: 'directResponse', decision, because: [gets + said] };
  }
  const { path, scheme = 'http', authority = '' } = request;
  const named = { path, scheme, authority: authority === '' ? host.host : authority };
  const target = redirectTarget(answer, match, named, host.port);
  const decision = `The route answers with a redirect (${answer.status}) to ${target}, which gRPC callers do not follow.`;
  return { part: 'redirect', decision, because: [`${gets}.`] };
}

/** `UNAVAILABLE` */
export function renderStatus(code: number): string {
  return GRPC_STATUS_NAMES[code] ?? 'UNKNOWN';
}

/** `UNAVAILABLE (HTTP status 503)` */
export function renderHttpStatus(status: number): string {
  return `${renderStatus(grpcOfHttp(status))} (HTTP status ${status})`;
}
