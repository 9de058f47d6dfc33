import { hashText } from '../balance/index.ts';
import type { HashKey, LoadBalancerPolicy } from '../model/index.ts';
import { queryParameter, type RouteRequest } from './route-request.ts';

/** What a call has for a hash policy to go by; `undefined` where it has nothing, or the policy does not hash. */
export function hashOfCall(
  policy: LoadBalancerPolicy,
  request: RouteRequest,
  sourceAddress?: string,
): number | undefined {
  if (policy.kind !== 'RING_HASH' && policy.kind !== 'MAGLEV') return undefined;
  const text = keyOfCall(policy.key, request, sourceAddress);
  return text === undefined ? undefined : hashText(text);
}

function keyOfCall(key: HashKey, request: RouteRequest, sourceAddress: string | undefined): string | undefined {
  switch (key.kind) {
    case 'header':
      return headerOf(request, key.name);
    case 'cookie':
      return cookieOf(request.header?.('cookie'), key.name);
    case 'query-parameter':
      return queryParameter(request, key.name);
    case 'source-address':
      return sourceAddress;
    default:
      return key satisfies never;
  }
}

/** Envoy lets pseudo-headers be hashed too. */
function headerOf(request: RouteRequest, name: string): string | undefined {
  if (name === ':path') return request.path;
  if (name === ':authority' || name === 'host') return request.authority;
  return request.header?.(name);
}

/** RFC 6265 §4.2.1: `a=1; b=2`. HTTP/2 may split it into lines (RFC 9113 §8.2.3), which arrive joined by commas here. */
function cookieOf(text: string | undefined, name: string): string | undefined {
  for (const part of text?.split(/[;,]/) ?? []) {
    const [key = '', ...value] = part.trim().split('=');
    if (key === name) return value.join('=').replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}
