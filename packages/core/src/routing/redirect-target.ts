import type { RouteAnswer, RouteMatch } from '../model/index.ts';
import { rewritePath } from './rewrite-path.ts';
import type { RouteRequest } from './route-request.ts';

type Redirect = Extract<RouteAnswer, { readonly kind: 'redirect' }>;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * The URL that a redirect leads to (istio.io, `HTTPRedirect`; Envoy, `RedirectAction`). What the rule leaves open is the
 * request's, and a port that the scheme has anyway is left out.
 *
 * @param request with the authority that the rule goes by.
 * @param port that the call came to, where its authority names none; 0 is not known.
 */
export function redirectTarget(
  redirect: Redirect,
  match: RouteMatch | undefined,
  request: Pick<RouteRequest, 'path' | 'authority' | 'scheme'>,
  port: number,
): string {
  const came = request.scheme === undefined || request.scheme === '' ? 'http' : request.scheme;
  const scheme = redirect.scheme ?? came;
  const from = splitAuthority(request.authority ?? '');
  const to = redirect.authority === undefined ? from : splitAuthority(redirect.authority);
  // The default of a scheme that is left behind does not come along.
  const kept = to === from && scheme !== came && to.port === DEFAULT_PORTS[came] ? '' : to.port;
  const asked = from.port === '' && port > 0 ? String(port) : from.port;
  const wanted = portOf(redirect.port, asked, kept);
  const shown = wanted === '' || wanted === DEFAULT_PORTS[scheme] ? '' : `:${wanted}`;
  const path = pathOf(redirect, match, request.path);
  return `${scheme}://${to.host}${shown}${path.startsWith('/') ? '' : '/'}${path}`;
}

function portOf(port: Redirect['port'], asked: string, kept: string): string {
  switch (port) {
    case undefined:
      return kept;
    case 'from-request':
      return asked;
    case 'from-protocol':
      return '';
    default:
      return String(port);
  }
}

function pathOf({ uri, prefixRewrite }: Redirect, match: RouteMatch | undefined, path: string): string {
  if (prefixRewrite !== undefined) return rewritePath(path, { path: { kind: 'prefix', text: prefixRewrite } }, match);
  if (uri === undefined) return path;
  const query = path.indexOf('?');
  // The request's query stays unless the rule has one.
  return query < 0 || uri.includes('?') ? uri : uri + path.slice(query);
}

/** As written, but for brackets that a bare IPv6 address needs before a port. */
function splitAuthority(text: string): { readonly host: string; readonly port: string } {
  const parts = /^(?<host>\[.*\]|[^:]*)(?::(?<port>\d*))?$/.exec(text)?.groups;
  if (parts !== undefined) return { host: parts['host'] ?? '', port: parts['port'] ?? '' };
  return { host: `[${text}]`, port: '' };
}
