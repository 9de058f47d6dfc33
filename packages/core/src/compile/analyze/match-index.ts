import type { HttpMatch } from '../../config/index.ts';
import type { RouteMatch, TextMatch } from '../../model/index.ts';

/** Matches in the order of their rules. */
export interface MatchIndex {
  /**
   * Adds a match and says which of those before, the first, takes all of its calls. Only where it is certain: one with the
   * same conditions, or with none but on the path, whose path is the same or wider.
   */
  add(match: HttpMatch): HttpMatch | undefined;
}

/** Looks at those only whose conditions are comparable, however many there are. */
export function createMatchIndex(): MatchIndex {
  const alike = new Map<string, PathIndex>();
  /** Those with a condition on the path, or none. */
  const byPathAlone = new Map<string, PathIndex>();
  let order = 0;
  return {
    add(match) {
      const keys = keysOf(match);
      const { path } = match.conditions;
      const entry = { match, order: order++ };
      const same = indexIn(alike, keys.conditions);
      const wide = indexIn(byPathAlone, keys.scope);
      const found = first(same.findCovering(path), wide.findCovering(path));
      same.add(entry);
      if (hasPathAlone(match.conditions)) wide.add(entry);
      return found?.match;
    },
  };
}

interface Entry {
  readonly match: HttpMatch;
  readonly order: number;
}

function first(a: Entry | undefined, b: Entry | undefined): Entry | undefined {
  return a === undefined || (b !== undefined && b.order < a.order) ? b : a;
}

function indexIn(indexes: Map<string, PathIndex>, key: string): PathIndex {
  const known = indexes.get(key) ?? new PathIndex();
  indexes.set(key, known);
  return known;
}

function hasPathAlone(conditions: RouteMatch): boolean {
  const { headers, withoutHeaders, queryParameters, method, scheme, authority } = conditions;
  return (
    headers.length + withoutHeaders.length + queryParameters.length === 0 &&
    [method, scheme, authority].every((part) => part === undefined)
  );
}

/** Whose calls it is for and how letters compare; with it, all that it asks for but the path. Names are for logs. */
function keysOf({ conditions, place: _place, ...scope }: HttpMatch): { scope: string; conditions: string } {
  const { name: _name, path: _path, ...rest } = conditions;
  const key = renderKey(scope);
  return { scope: `${key} ${rest.ignoreCase === true}`, conditions: `${key} ${renderKey(rest)}` };
}

/** Equal for what `isSame` holds for: the order of keys does not count. */
function renderKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item: unknown) => renderKey(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries: [string, unknown][] = Object.entries(value);
  const fields = entries.map(([key, item]) => `${JSON.stringify(key)}:${renderKey(item)}`).toSorted();
  return `{${fields.join(',')}}`;
}

/** The first match of each path, among matches that differ in nothing else. */
class PathIndex {
  #everyPath: Entry | undefined;
  readonly #same = new Map<string, Entry>();
  readonly #prefixes = new Map<string, Entry>();
  /** Of the prefixes, rising. */
  #lengths: readonly number[] = [];

  add(entry: Entry): void {
    const { path } = entry.match.conditions;
    if (path === undefined) {
      this.#everyPath ??= entry;
      return;
    }
    const key = renderKey(path);
    if (!this.#same.has(key)) this.#same.set(key, entry);
    if (path.kind !== 'prefix' || this.#prefixes.has(path.text)) return;
    this.#prefixes.set(path.text, entry);
    const { length } = path.text;
    if (!this.#lengths.includes(length)) this.#lengths = [...this.#lengths, length].toSorted((a, b) => a - b);
  }

  findCovering(path: TextMatch | undefined): Entry | undefined {
    if (path === undefined) return this.#everyPath;
    let found = first(this.#everyPath, this.#same.get(renderKey(path)));
    if (path.kind !== 'exact' && path.kind !== 'prefix') return found;
    for (const length of this.#lengths) {
      if (length > path.text.length) break;
      found = first(found, this.#prefixes.get(path.text.slice(0, length)));
    }
    return found;
  }
}
