import type { Field } from '@steelyard/http2';
import { MethodSeries } from './metrics-series.ts';

/** What callers write into `:path` is theirs, so the number of names that are kept apart is bounded. */
const MOST_METHODS = 256;
/** How many `:path` fields are remembered by identity. */
const MOST_FIELDS = 1024;
const METHOD_PATH = /^\/(?<method>[\w.]{1,200}\/\w{1,100})$/;

/** gRFC A66 has this word for methods that are not told apart. */
const OTHER_METHOD = 'other';

/** The series of each method, found by the identity of its `:path` where it is a shared field. */
export class MethodTable {
  readonly other: MethodSeries = new MethodSeries(OTHER_METHOD);
  #lastPath: Field | undefined = undefined;
  #last: MethodSeries = this.other;
  readonly #byField = new Map<Field, MethodSeries>();
  readonly #byName = new Map<string, MethodSeries>();

  of(path: Field | undefined): MethodSeries {
    // Calls of one method often come in a row.
    if (path === this.#lastPath) return this.#last;
    if (path === undefined) return this.other;
    const series = this.#byField.get(path) ?? this.#find(path);
    if (path.owned) {
      this.#lastPath = path;
      this.#last = series;
    }
    return series;
  }

  all(): MethodSeries[] {
    return this.other.started === 0 ? [...this.#byName.values()] : [...this.#byName.values(), this.other];
  }

  #find(path: Field): MethodSeries {
    // Longer ones need not even become a string.
    const method = path.length > 302 ? undefined : METHOD_PATH.exec(path.text)?.groups?.['method'];
    if (method === undefined) return this.other;
    let series = this.#byName.get(method);
    if (series === undefined) {
      if (this.#byName.size >= MOST_METHODS && !this.#makeRoom()) return this.other;
      series = new MethodSeries(method);
      this.#byName.set(method, series);
    }
    if (path.owned) {
      if (this.#byField.size >= MOST_FIELDS) this.#byField.clear();
      this.#byField.set(path, series);
    }
    return series;
  }

  /** Names that no pod has ever served give way to new ones: a caller that invents names must not push out real ones. */
  #makeRoom(): boolean {
    for (const series of this.#byName.values()) {
      if (series.proven || series.active > 0) continue;
      this.#byName.delete(series.method);
      this.#byField.clear();
      this.#lastPath = undefined;
      this.#last = this.other;
      // Its calls are not forgotten, only no longer told apart.
      this.other.absorb(series.report());
      return true;
    }
    return false;
  }
}
