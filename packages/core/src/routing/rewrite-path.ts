import { createRegex, type Regex } from '../config/index.ts';
import type { Rewrite, RouteMatch } from '../model/index.ts';

const regexes = new WeakMap<Rewrite, Regex>();

/**
 * The path a call goes on with (Envoy `prefix_rewrite` and `regex_rewrite`): a prefix that the rule matched is replaced,
 * and else, as after a regular expression, the whole path; the query stays.
 */
export function rewritePath(path: string, rewrite: Rewrite, match: RouteMatch | undefined): string {
  const change = rewrite.path;
  if (change === undefined) return path;
  const query = path.indexOf('?');
  const bare = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? '' : path.slice(query);
  if (change.kind === 'prefix') {
    return (
      joinPrefix(change.text, matchedPrefix(match) === undefined ? '' : bare.slice(matchedPrefix(match)?.length)) + rest
    );
  }
  let regex = regexes.get(rewrite);
  if (regex === undefined) {
    regex = createRegex(change.pattern);
    regexes.set(rewrite, regex);
  }
  return regex.replaceAll(bare, change.substitution) + rest;
}

/** The prefix of the path that a match asks for; a rule without a condition on the path matched `/`. */
function matchedPrefix(match: RouteMatch | undefined): string | undefined {
  const path = match?.path;
  if (path === undefined) return '/';
  return path.kind === 'prefix' ? path.text : undefined;
}

/** Istio adds no slash, and Envoy takes none away: `/a` for `/` in `/x` is `/ax`; a lone `/` is kept from doubling. */
function joinPrefix(prefix: string, rest: string): string {
  return prefix.endsWith('/') && rest.startsWith('/') ? prefix + rest.slice(1) : prefix + rest;
}
