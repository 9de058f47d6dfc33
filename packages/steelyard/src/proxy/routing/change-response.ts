import type { HeaderOperations, Route, WeightedDestination } from '@steelyard/core/model';
import { type Field, HeaderBlock } from '@steelyard/http2';
import { changesNothing, operateHeaders } from './operate-headers.ts';

/** What is to be done to the header of the response of a call that takes this way. `undefined`: nothing. */
export function responseRulesOf(
  route: Route,
  destination: WeightedDestination,
): readonly HeaderOperations[] | undefined {
  if (route.headers === undefined && destination.headers === undefined) return undefined;
  const rules = [destination.headers?.response, route.headers?.response];
  const busy = rules.flatMap((operations) =>
    operations === undefined || changesNothing(operations) ? [] : [operations],
  );
  return busy.length === 0 ? undefined : busy;
}

/**
 * The header block a response goes on with: changed by the destination's operations, then by the route's. Its trailers
 * are none of it, but a response of trailers only (PROTOCOL-HTTP2.md) has them in its header.
 */
export function changeResponse(block: HeaderBlock, rules: readonly HeaderOperations[]): HeaderBlock {
  let fields = block.fields.slice(0, block.count);
  for (const operations of rules) fields = operateHeaders(fields, operations);
  return HeaderBlock.of(fields);
}

/** The header block of a response that gives its caller a cookie as well. */
export function withCookie(block: HeaderBlock, cookie: Field): HeaderBlock {
  return HeaderBlock.of([...block.fields.slice(0, block.count), cookie]);
}
