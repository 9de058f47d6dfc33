export { type AddressedService, explainNoRoute } from './explain-miss.ts';
export { createRouteTable, type RouteTable, type RouteTableOptions } from './route-table.ts';
export { type RouteRequest, selectDestination, selectRoute } from './select-route.ts';
