import type { HttpMatch } from '../../config/index.ts';
import type { Route, TextMatch } from '../../model/index.ts';

/**
 * The route with conditions on the path that every path fulfils, too, where what it does goes by how much of the path its
 * match took: of a regular expression all of it (Envoy, `RegexRouteEntryImpl`), of a prefix the prefix. Elsewhere, and
 * where all of them are for `/`, such a condition is none.
 *
 * @param matches the alternatives of the route, up to the first that takes every call
 */
export function withWrittenPaths(route: Route, matches: readonly HttpMatch[]): Route {
  if (!replacesMatched(route) || matches.every(({ conditions, everyPath }) => isRoot(conditions.path ?? everyPath))) {
    return route;
  }
  return {
    ...route,
    matches: matches.map(({ conditions, everyPath }) =>
      everyPath === undefined || isRoot(everyPath) ? conditions : { ...conditions, path: everyPath },
    ),
  };
}

function replacesMatched({ rewrite, answer }: Route): boolean {
  return rewrite?.path?.kind === 'prefix' || (answer?.kind === 'redirect' && answer.prefixRewrite !== undefined);
}

/** A match without a condition on the path is for prefix `/`, and so is one that asks for a path to be there. */
function isRoot(path: TextMatch | undefined): boolean {
  return path === undefined || path.kind === 'present' || (path.kind === 'prefix' && path.text === '/');
}
