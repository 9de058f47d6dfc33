export { hashOfCall } from './call-hash.ts';
export { type AddressedService, explainNoRoute } from './explain-miss.ts';
export { matchedPrefix, rewritePath } from './rewrite-path.ts';
export type { RouteHit } from './route-index.ts';
export type { RouteRequest } from './route-request.ts';
export { createRouteTable, type RouteTable, type RouteTableOptions } from './route-table.ts';
export { findRoute, selectDestination, selectRoute } from './select-route.ts';
