import type { Random } from '../balance/index.ts';
import type { Route, VirtualHost, WeightedDestination } from '../model/index.ts';
import { createRouteIndex, type RouteHit, type RouteIndex } from './route-index.ts';
import type { RouteRequest } from './route-request.ts';

/** Virtual hosts are immutable: their index lives as long as they do. */
const indexes = new WeakMap<VirtualHost, RouteIndex>();

/** The first route that takes the request; `undefined` when none does (Istio: 404, for gRPC UNIMPLEMENTED). */
export function selectRoute(virtualHost: VirtualHost, request: RouteRequest): Route | undefined {
  const [first] = virtualHost.routes;
  // Most Services have one route that takes every call: nothing of the request is looked at.
  if (first === undefined || first.matches === undefined) return first;
  return findRoute(virtualHost, request)?.route;
}

/** The same, with the alternative of the route that held. */
export function findRoute(virtualHost: VirtualHost, request: RouteRequest): RouteHit | undefined {
  let index = indexes.get(virtualHost);
  if (index === undefined) {
    index = createRouteIndex(virtualHost);
    indexes.set(virtualHost, index);
  }
  return index.find(request);
}

/** A destination by weight. `random` is called only when there is a choice. */
export function selectDestination(route: Route, random: Random): WeightedDestination {
  const { destinations, totalWeight } = route;
  const last = destinations.at(-1);
  if (last === undefined) throw new RangeError(`route ${route.name} has no destination`);
  if (destinations.length === 1) return last;
  let rest = random() * totalWeight;
  for (const destination of destinations) {
    rest -= destination.weight;
    if (rest < 0) return destination;
  }
  // Rounding of large weights may leave a rest of 0.
  return last;
}
