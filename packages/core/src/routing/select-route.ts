import type { Random } from '../balance/index.ts';
import type { Route, VirtualHost, WeightedDestination } from '../model/index.ts';

/** What a route may match on. */
export interface RouteRequest {
  /** `/package.Service/Method` */
  readonly path: string;
}

/** The first route that takes the request; `undefined` when none does (Istio: 404, for gRPC UNIMPLEMENTED). */
export function selectRoute(virtualHost: VirtualHost, _request: RouteRequest): Route | undefined {
  // Every route takes every call: rules with conditions are left out when a VirtualService is read.
  return virtualHost.routes[0];
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
