import type { Rewrite, Route, RouteMatch, WeightedDestination } from '@steelyard/core/model';
import { rewritePath } from '@steelyard/core/routing';
import { createField, type Field, HeaderBlock } from '@steelyard/http2';
import { changesNothing, operateHeaders } from './operate-headers.ts';

/** Whether a call that takes this way goes on as it came. */
export function leavesRequest(route: Route, destination: WeightedDestination): boolean {
  if (route.rewrite !== undefined || destination.authority !== undefined) return false;
  return changesNothing(route.headers?.request) && changesNothing(destination.headers?.request);
}

/**
 * The header block a call goes on with: rewritten, then changed by the destination's operations, then by the route's
 * (Envoy, `most_specific_header_mutations_wins` off). What is not changed is the same field, so it is forwarded as it came
 * off the wire.
 */
export function changeRequest(
  block: HeaderBlock,
  route: Route,
  destination: WeightedDestination,
  match: RouteMatch | undefined,
): HeaderBlock {
  let fields = block.fields.slice(0, block.count);
  if (destination.authority !== undefined) fields = rewrite(fields, { authority: destination.authority }, match);
  if (route.rewrite !== undefined) fields = rewrite(fields, route.rewrite, match);
  if (destination.headers !== undefined) fields = operateHeaders(fields, destination.headers.request);
  if (route.headers !== undefined) fields = operateHeaders(fields, route.headers.request);
  return HeaderBlock.of(fields);
}

function rewrite(fields: readonly Field[], change: Rewrite, match: RouteMatch | undefined): Field[] {
  const { authority } = change;
  return fields.map((field) => {
    switch (field.name.text) {
      case ':path':
        return change.path === undefined ? field : createField(':path', rewritePath(field.text, change, match));
      case ':authority':
      case 'host':
        return authority === undefined ? field : createField(field.name.text, authority);
      default:
        return field;
    }
  });
}
