import type { WeightedRouteDestination } from '../../config/index.ts';
import type { HeaderOperations, HeaderRules, Rewrite } from '../../model/index.ts';

interface Changes {
  readonly rewrite?: Rewrite;
  readonly headers?: HeaderRules;
}

/**
 * What a rule changes of its calls, and with it what its sole destination does: Istio makes one list of both
 * (pilot/pkg/networking/core/route, `processDestination`), so removals come first, and of two that set a name the
 * destination's holds. An authority of the rule stands before the destination's.
 */
export function joinDestination({ rewrite, headers }: Changes, sole: WeightedRouteDestination): Changes {
  const authority = rewrite?.authority ?? sole.authority;
  const joined = headers === undefined || sole.headers === undefined ? undefined : join(headers, sole.headers);
  const all = joined ?? headers ?? sole.headers;
  return {
    ...((rewrite !== undefined || authority !== undefined) && {
      rewrite: { ...rewrite, ...(authority !== undefined && { authority }) },
    }),
    ...(all !== undefined && { headers: all }),
  };
}

function join(first: HeaderRules, then: HeaderRules): HeaderRules {
  const both = (a: HeaderOperations, b: HeaderOperations): HeaderOperations => ({
    set: [...a.set, ...b.set],
    add: [...a.add, ...b.add],
    remove: [...a.remove, ...b.remove],
  });
  return { request: both(first.request, then.request), response: both(first.response, then.response) };
}
