import type { DiagnosticCode } from './diagnostic-codes.ts';
import type { FieldPath } from './field-path.ts';
import type { FieldPlace, ObjectReport } from './object-report.ts';

export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Reads one mapping of an untrusted object field by field, and knows where it stands. Every reader of a field returns
 * `undefined` both for an absent field and for a bad one; the bad one has been reported then. `null` is absent, as the
 * API server has it. `finish` reports what nobody asked for, so nothing is ignored in silence.
 */
export class FieldReader {
  readonly path: FieldPath;
  readonly report: ObjectReport;
  readonly #fields: Mapping;
  readonly #asked = new Set<string>();

  constructor(fields: Mapping, path: FieldPath, report: ObjectReport) {
    this.#fields = fields;
    this.path = path;
    this.report = report;
  }

  /** The raw value. */
  value(name: string): unknown {
    this.#asked.add(name);
    return this.#field(name);
  }

  has(name: string): boolean {
    return this.#field(name) !== undefined;
  }

  /** Its own fields only: `constructor` and the like are not the object's. */
  #field(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined;
  }

  at(...steps: FieldPath): FieldPath {
    return [...this.path, ...steps];
  }

  place(...steps: FieldPath): FieldPlace {
    return this.report.place(this.at(...steps));
  }

  fail(name: string, code: DiagnosticCode, message: string): undefined {
    this.report.report(code, this.at(name), message);
    return undefined;
  }

  /** Reports an absent required field. Anything present counts, a bad value is reported by its reader. */
  require(name: string): void {
    if (!this.has(name)) this.report.report('missing-field', this.path, `Field ${name} is required; add it.`);
  }

  string(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.fail(name, 'wrong-type', `Field ${name} must be a string, not ${nameOf(value)}; quote it.`);
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.fail(name, 'wrong-type', `Field ${name} must be true or false, not ${nameOf(value)}.`);
  }

  integer(name: string, range: IntegerRange): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const wanted = `an integer from ${range.min} to ${range.max}`;
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return this.fail(name, 'wrong-type', `Field ${name} must be ${wanted}, not ${nameOf(value)}.`);
    }
    if (value >= range.min && value <= range.max) return value;
    return this.fail(name, 'invalid-value', `Field ${name} must be ${wanted}, not ${value}.`);
  }

  /** One of the words allowed. */
  word<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    const found = allowed.find((word) => word === value);
    if (found !== undefined) return found;
    return this.fail(name, 'invalid-value', `Field ${name} must be one of ${allowed.join(', ')}, not "${value}".`);
  }

  /** A nested mapping; the caller finishes its reader. */
  mapping(name: string): FieldReader | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (isMapping(value)) return new FieldReader(value, this.at(name), this.report);
    return this.fail(name, 'wrong-type', `Field ${name} must be a mapping, not ${nameOf(value)}.`);
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value.map((item: unknown) => item);
    return this.fail(name, 'wrong-type', `Field ${name} must be a list, not ${nameOf(value)}.`);
  }

  strings(name: string): readonly string[] | undefined {
    return this.list(name)?.flatMap((item, index) => {
      if (typeof item === 'string') return [item];
      const message = `Each entry of ${name} must be a string, not ${nameOf(item)}; quote it.`;
      this.report.report('wrong-type', this.at(name, index), message);
      return [];
    });
  }

  /** A list of mappings, one reader each; the caller finishes them. */
  mappings(name: string): readonly FieldReader[] | undefined {
    return this.list(name)?.flatMap((item, index) => {
      if (isMapping(item)) return [new FieldReader(item, this.at(name, index), this.report)];
      const message = `Each entry of ${name} must be a mapping, not ${nameOf(item)}.`;
      this.report.report('wrong-type', this.at(name, index), message);
      return [];
    });
  }

  /** A mapping of strings, like labels. */
  stringMap(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (!isMapping(value)) {
      return this.fail(name, 'wrong-type', `Field ${name} must be a mapping, not ${nameOf(value)}.`);
    }
    const entries: [string, string][] = [];
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'string') entries.push([key, item]);
      else {
        const message = `Value of ${key} in ${name} must be a string, not ${nameOf(item)}; quote it.`;
        this.report.report('wrong-type', this.at(name, key), message);
      }
    }
    return Object.fromEntries(entries);
  }

  /** Fields that cannot change what Steelyard does. Each use says why beside it. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name);
  }

  /** Fields of the schema that mean something, but not yet to Steelyard. `instead` says what happens: a clause. */
  notHonoured(instead: string, ...names: readonly string[]): void {
    for (const name of names) {
      if (isSet(this.value(name)))
        this.fail(name, 'field-not-honoured', `Field ${name} is not honoured yet: ${instead}.`);
    }
  }

  /** Fields of the schema that work, but that Istio has replaced. `instead` says by what: a clause. */
  deprecated(instead: string, ...names: readonly string[]): void {
    for (const name of names) {
      if (isSet(this.value(name))) this.fail(name, 'deprecated-field', `Field ${name} is deprecated: ${instead}.`);
    }
  }

  /** Fields of the schema that do not concern gRPC. */
  withoutEffect(why: string, ...names: readonly string[]): void {
    for (const name of names) {
      if (isSet(this.value(name))) this.fail(name, 'field-without-effect', `Field ${name} has no effect: ${why}.`);
    }
  }

  /** @param ignored fields that cannot change what Steelyard does, as with `ignore` */
  finish(ignored?: ReadonlySet<string>): void {
    for (const name of Object.keys(this.#fields)) {
      if (this.#asked.has(name) || ignored?.has(name) === true) continue;
      this.fail(
        name,
        'unknown-field',
        `Field ${name} is unknown here and has no effect; check its spelling and place.`,
      );
    }
  }
}

/** A mapping of a document. */
export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Empty lists, empty mappings and nulls say nothing. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** A value as a message shows it: short, on one line. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
  return typeof value === 'number' || typeof value === 'boolean' ? `the ${typeof value} ${value}` : `a ${typeof value}`;
}
