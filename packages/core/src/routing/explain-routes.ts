import type { Route, RouteMatch, VirtualHost } from '../model/index.ts';
import { createConditions, createPathMatcher } from './match-conditions.ts';
import { pathOf, type RouteRequest } from './route-request.ts';
import { renderTextMatch } from './text-matcher.ts';

/** Routes that are explained one by one; of more only their number. */
const MOST = 50;

/** Why each route before the one that took the call did not. */
export function explainMisses(host: VirtualHost, request: RouteRequest, taken: Route | undefined): readonly string[] {
  const end = taken === undefined ? host.routes.length : host.routes.indexOf(taken);
  const passed = host.routes.slice(0, end);
  const said = passed.slice(0, MOST).map((route) => `Route ${route.name} does not: ${whyNot(route, request)}.`);
  return passed.length > MOST ? [...said, `${passed.length - MOST} more routes do not.`] : said;
}

function whyNot(route: Route, request: RouteRequest): string {
  return (route.matches ?? []).map((match) => firstMiss(match, request)).join('; or ');
}

/** The first condition that does not hold, with what was there. */
function firstMiss(match: RouteMatch, request: RouteRequest): string {
  const path = pathOf(request);
  if (match.path !== undefined && !createPathMatcher(match)(path)) {
    return `uri must be one that ${renderTextMatch(match.path)}, not ${JSON.stringify(path)}`;
  }
  for (const { field, wants, read, holds } of createConditions(match)) {
    const found = read(request);
    if (holds(found)) continue;
    return `${field} must be one that ${wants}, and it is ${found === undefined ? 'absent' : JSON.stringify(found)}`;
  }
  return 'nothing is against it';
}
