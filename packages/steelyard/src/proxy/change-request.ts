import type { HeaderOperations, Rewrite, Route, RouteMatch, WeightedDestination } from '@steelyard/core/model';
import { rewritePath } from '@steelyard/core/routing';
import { createField, type Field, HeaderBlock } from '@steelyard/http2';

/** Whether a call that takes this way goes on as it came. */
export function leavesRequest(route: Route, destination: WeightedDestination): boolean {
  return route.rewrite === undefined && route.headers === undefined && destination.headers === undefined;
}

/**
 * The header block a call goes on with: rewritten, then changed by the route's operations, then by the destination's.
 * What is not changed is the same field, so it is forwarded as it came off the wire.
 */
export function changeRequest(
  block: HeaderBlock,
  route: Route,
  destination: WeightedDestination,
  match: RouteMatch | undefined,
): HeaderBlock {
  let fields = block.fields.slice(0, block.count);
  if (route.rewrite !== undefined) fields = rewrite(fields, route.rewrite, match);
  if (route.headers !== undefined) fields = operate(fields, route.headers.request);
  if (destination.headers !== undefined) fields = operate(fields, destination.headers.request);
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

/** Removed, then set, then added (Envoy, `HeaderParser::evaluateHeaders`). Pseudo-header fields are never touched. */
function operate(fields: readonly Field[], { set, add, remove }: HeaderOperations): Field[] {
  const gone = new Set([...remove, ...set.map(([name]) => name)]);
  const kept = fields.filter((field) => !gone.has(field.name.text));
  return [...kept, ...[...set, ...add].map(([name, value]) => createField(name, value))];
}
