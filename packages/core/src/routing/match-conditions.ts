import type { RouteMatch, TextMatch } from '../model/index.ts';
import { queryParameter, type RouteRequest } from './route-request.ts';
import { createTextMatcher, renderTextMatch, type TextMatcher } from './text-matcher.ts';

/** One condition of a match other than that on the path. */
export interface Condition {
  /** As the manifest calls it: `method`, `headers[x-user]`. */
  readonly field: string;
  /** What it asks, in words. */
  readonly wants: string;
  readonly read: (request: RouteRequest) => string | undefined;
  readonly holds: TextMatcher;
  /** It holds for this value and no other. */
  readonly value?: string | undefined;
}

export function createConditions(match: RouteMatch): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const field of ['method', 'scheme', 'authority'] as const) {
    const wanted = match[field];
    if (wanted === undefined) continue;
    const read = (request: RouteRequest): string | undefined => request[field];
    conditions.push(conditionOn(field, wanted, read));
  }
  for (const { name, match: wanted } of match.headers) {
    const read = (request: RouteRequest): string | undefined => request.header?.(name);
    conditions.push(conditionOn(`headers[${name}]`, wanted, read));
  }
  for (const { name, match: unwanted } of match.withoutHeaders) {
    const read = (request: RouteRequest): string | undefined => request.header?.(name);
    const matches = createTextMatcher(unwanted);
    // A header that is absent counts as empty, except where its presence is asked about (Envoy, `treat_missing_header_as_empty`).
    const holds: TextMatcher = (text) => !matches(unwanted.kind === 'present' ? text : (text ?? ''));
    conditions.push({
      field: `withoutHeaders[${name}]`,
      wants: `is none that ${renderTextMatch(unwanted)}`,
      read,
      holds,
    });
  }
  for (const { name, match: wanted } of match.queryParameters) {
    const read = (request: RouteRequest): string | undefined => queryParameter(request, name);
    conditions.push(conditionOn(`queryParams[${name}]`, wanted, read));
  }
  return conditions;
}

function conditionOn(field: string, wanted: TextMatch, read: Condition['read']): Condition {
  const value = wanted.kind === 'exact' ? wanted.text : undefined;
  return { field, wants: renderTextMatch(wanted), read, holds: createTextMatcher(wanted), value };
}

export function createPathMatcher({ path, ignoreCase }: RouteMatch): TextMatcher {
  return path === undefined ? () => true : createTextMatcher(path, ignoreCase);
}
