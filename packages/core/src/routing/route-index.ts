import type { Route, RouteMatch, VirtualHost } from '../model/index.ts';
import { type Choice, createDecisionList, type DecisionList } from './decision-list.ts';
import { createConditions, createPathMatcher } from './match-conditions.ts';
import { pathOf, type RouteRequest } from './route-request.ts';
import type { TextMatcher } from './text-matcher.ts';

/** A route that took a call, and by which of its alternatives; `undefined` for a route that takes every call. */
export interface RouteHit {
  readonly route: Route;
  readonly match: RouteMatch | undefined;
}

interface Alternative extends Choice<RouteHit> {
  readonly order: number;
  readonly takesPath: TextMatcher;
}

/** Which route takes a request. Made once for a virtual host. */
export interface RouteIndex {
  /** The first whose conditions hold. Allocates nothing for a path seen before. */
  find(request: RouteRequest): RouteHit | undefined;
}

/** Callers choose their paths; what is remembered of them must be bounded. */
const REMEMBERED = 4096;

/**
 * Rules are tried in order, but not all of them: what a path can be taken by is worked out once for each path (callers
 * repeat a few), from a table for exact paths and the rest in order, and their other conditions become a {@link DecisionList}. So a call
 * costs what differs among the rules of its own path, however many rules there are.
 */
export function createRouteIndex({ routes }: VirtualHost): RouteIndex {
  const exact = new Map<string, Alternative[]>();
  const others: Alternative[] = [];
  for (const alternative of listAlternatives(routes)) {
    const { match } = alternative.result;
    if (match?.path?.kind !== 'exact' || match.ignoreCase === true) others.push(alternative);
    else exact.set(match.path.text, [...(exact.get(match.path.text) ?? []), alternative]);
  }
  const remembered = new Map<string, DecisionList<RouteHit>>();
  const decide = (request: RouteRequest): DecisionList<RouteHit> => {
    const known = remembered.get(request.path);
    if (known !== undefined) return known;
    const path = pathOf(request);
    const fitting = others.filter(({ takesPath }) => takesPath(path));
    const list = createDecisionList([...(exact.get(path) ?? []), ...fitting].toSorted((a, b) => a.order - b.order));
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(request.path, list);
    return list;
  };
  return { find: (request) => decide(request)(request) };
}

function listAlternatives(routes: readonly Route[]): readonly Alternative[] {
  const matches = routes.flatMap((route) => (route.matches ?? [undefined]).map((match) => ({ route, match })));
  return matches.map(({ route, match }, order) => ({
    result: { route, match },
    order,
    takesPath: match === undefined ? () => true : createPathMatcher(match),
    conditions: match === undefined ? [] : createConditions(match),
  }));
}
