/** A call as routes see it. Nothing but what a rule asks about is read, so each may be decoded when it is asked for. */
export interface RouteRequest {
  /** `/package.Service/Method`, perhaps with a query. */
  readonly path: string;
  readonly method?: string;
  readonly scheme?: string;
  readonly authority?: string;
  /** A header by its lower-case name; several lines of a name joined by commas. */
  header?(name: string): string | undefined;
}

/** Without its query, which no rule on `uri` sees. */
export function pathOf({ path }: RouteRequest): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

/** A parameter of the query, decoded; the first of its name. */
export function queryParameter({ path }: RouteRequest, name: string): string | undefined {
  const query = path.indexOf('?');
  if (query < 0) return undefined;
  for (const part of path.slice(query + 1).split('&')) {
    const equals = part.indexOf('=');
    if (decode(equals < 0 ? part : part.slice(0, equals)) === name)
      return equals < 0 ? '' : decode(part.slice(equals + 1));
  }
  return undefined;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
