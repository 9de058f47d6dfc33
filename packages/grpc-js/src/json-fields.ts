import { parseDuration } from './parse-duration.ts';

/** Fields of an untrusted JSON object. What is not asked for is ignored, as gRPC does with fields of a newer version. */
export class JsonFields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #path: string;

  /** @throws TypeError when `json` is not an object */
  constructor(json: unknown, path = '') {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      const what = path === '' ? 'the configuration' : path;
      throw new TypeError(`${what} is ${JSON.stringify(json)}; it must be an object, such as {}`);
    }
    this.#fields = new Map<string, unknown>(Object.entries(json));
    this.#path = path === '' ? '' : `${path}.`;
  }

  /** The number, from `least` to `most`; `undefined` where it is absent. */
  wholeNumber(name: string, least: number, most: number): number | undefined {
    if (!this.#fields.has(name)) return undefined;
    const value = this.#fields.get(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.#wrong(
      name,
      most >= 2 ** 32 - 1 ? `a whole number of at least ${least}` : `a whole number, ${least} to ${most}`,
    );
  }

  /** A finite number. */
  number(name: string): number | undefined {
    if (!this.#fields.has(name)) return undefined;
    const value = this.#fields.get(name);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.#wrong(name, 'a number');
  }

  durationMs(name: string, least: number): number | undefined {
    if (!this.#fields.has(name)) return undefined;
    const value = this.#fields.get(name);
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms !== undefined && ms >= least) return ms;
    throw this.#wrong(name, 'a duration such as "10s"');
  }

  flag(name: string): boolean | undefined {
    if (!this.#fields.has(name)) return undefined;
    const value = this.#fields.get(name);
    if (typeof value === 'boolean') return value;
    throw this.#wrong(name, 'true or false');
  }

  text(name: string): string | undefined {
    if (!this.#fields.has(name)) return undefined;
    const value = this.#fields.get(name);
    if (typeof value === 'string' && value !== '') return value;
    throw this.#wrong(name, 'a text that is not empty');
  }

  object(name: string): JsonFields | undefined {
    return this.#fields.has(name) ? new JsonFields(this.#fields.get(name), this.#path + name) : undefined;
  }

  #wrong(name: string, must: string): TypeError {
    return new TypeError(`${this.#path}${name} is ${JSON.stringify(this.#fields.get(name))}; it must be ${must}`);
  }
}
