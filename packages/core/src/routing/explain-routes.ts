import { isSameObject, type Route, type RouteMatch, type VirtualHost } from '../model/index.ts';
import { createConditions, createPathMatcher } from './match-conditions.ts';
import { pathOf, type RouteRequest } from './route-request.ts';
import { renderTextMatch } from './text-matcher.ts';

/** Routes that are explained one by one; of more only their number. */
const MOST = 50;

/** Why each route before the one that took the call did not, and what is left out whatever the call is like. */
export function explainMisses(host: VirtualHost, request: RouteRequest, taken: Route | undefined): readonly string[] {
  const end = taken === undefined ? host.routes.length : host.routes.indexOf(taken);
  const { rules: leftOut, more = 0 } = host.leftOut ?? { rules: [] };
  const said: string[] = [];
  for (const [index, route] of [...host.routes.slice(0, end), undefined].entries()) {
    for (const rule of leftOut) {
      if (rule.after === index) said.push(`Route ${renderRouteName(rule, host)} does not: ${rule.why}.`);
    }
    if (route === undefined || index >= MOST) continue;
    said.push(`Route ${renderRouteName(route, host)} does not: ${whyNot(route, request)}.`);
  }
  const untold = Math.max(0, end - MOST) + more;
  return untold > 0 ? [...said, `${untold} more routes do not.`] : said;
}

/** With whose it is, unless it is of the VirtualService that decides about the host. */
export function renderRouteName(
  { name, virtualService: owner }: Pick<Route, 'name' | 'virtualService'>,
  { virtualService: decides }: VirtualHost,
): string {
  const isOwn = owner === undefined || (decides !== undefined && isSameObject(owner, decides));
  return isOwn ? name : `${name} of ${owner.namespace}/${owner.name}`;
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
