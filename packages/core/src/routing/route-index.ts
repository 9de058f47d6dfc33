import type { Route, RouteMatch, VirtualHost } from '../model/index.ts';
import { type Condition, createConditions, createPathMatcher } from './match-conditions.ts';
import { pathOf, type RouteRequest } from './route-request.ts';
import type { TextMatcher } from './text-matcher.ts';

/** A route that took a call, and by which of its alternatives; `undefined` for a route that takes every call. */
export interface RouteHit {
  readonly route: Route;
  readonly match: RouteMatch | undefined;
}

interface Alternative extends RouteHit {
  readonly order: number;
  readonly takesPath: TextMatcher;
  readonly conditions: readonly Condition[];
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
 * repeat a few), from a table for exact paths and the rest in order. So a call costs what the other conditions of its own
 * path cost, however many rules there are.
 */
export function createRouteIndex({ routes }: VirtualHost): RouteIndex {
  const exact = new Map<string, Alternative[]>();
  const others: Alternative[] = [];
  for (const alternative of listAlternatives(routes)) {
    const path = alternative.match?.path;
    if (path?.kind !== 'exact' || alternative.match?.ignoreCase === true) others.push(alternative);
    else exact.set(path.text, [...(exact.get(path.text) ?? []), alternative]);
  }
  const remembered = new Map<string, readonly Alternative[]>();
  const candidatesOf = (request: RouteRequest): readonly Alternative[] => {
    const known = remembered.get(request.path);
    if (known !== undefined) return known;
    const path = pathOf(request);
    const fitting = others.filter(({ takesPath }) => takesPath(path));
    const candidates = [...(exact.get(path) ?? []), ...fitting].toSorted((a, b) => a.order - b.order);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(request.path, candidates);
    return candidates;
  };
  return {
    find(request) {
      const candidates = candidatesOf(request);
      for (let at = 0; at < candidates.length; at++) {
        const candidate = candidates[at];
        if (candidate !== undefined && holdAll(candidate.conditions, request)) return candidate;
      }
      return undefined;
    },
  };
}

function listAlternatives(routes: readonly Route[]): readonly Alternative[] {
  const matches = routes.flatMap((route) => (route.matches ?? [undefined]).map((match) => ({ route, match })));
  return matches.map(({ route, match }, order) => ({
    route,
    match,
    order,
    takesPath: match === undefined ? () => true : createPathMatcher(match),
    conditions: match === undefined ? [] : createConditions(match),
  }));
}

function holdAll(conditions: readonly Condition[], request: RouteRequest): boolean {
  for (let at = 0; at < conditions.length; at++) {
    const condition = conditions[at];
    if (condition !== undefined && !condition.holds(condition.read(request))) return false;
  }
  return true;
}
