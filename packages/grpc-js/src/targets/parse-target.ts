import { parseDuration } from '../parse-duration.ts';
import { TargetError } from './target-error.ts';

/** A target taken apart: `scheme://authority/NAME:PORT?parameters`. */
export interface Target {
  /** As it was written, for messages. */
  readonly text: string;
  readonly authority: string;
  readonly host: string;
  /** What follows the last colon: a number or a name. Empty where there is none. */
  readonly port: string;
  readonly parameters: TargetParameters;
}

export interface TargetText {
  readonly scheme?: string | undefined;
  readonly authority?: string | undefined;
  readonly path: string;
}

/**
 * Takes a target apart. `$NAME` and `${NAME}` stand for variables of the environment, so that a caller is told its server
 * by whoever deploys it: `headless:///$BACKEND_ADDR`.
 *
 * @throws TargetError for a variable that is not set, and for a target without a name
 */
export function parseTarget(uri: TargetText, environment: Readonly<Record<string, string | undefined>>): Target {
  const { scheme = '' } = uri;
  const text = `${scheme}://${uri.authority ?? ''}/${uri.path}`;
  const path = uri.path.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_all, bare?: string, braced?: string) => {
    const name = bare ?? braced ?? '';
    const value = environment[name]?.trim();
    if (value === undefined || value === '') {
      throw new TargetError(`${text}: the environment variable ${name} is not set; set it to NAME:PORT`);
    }
    return value;
  });
  // A variable may hold a whole target of the same scheme, its DNS server included.
  const whole = /^([a-z0-9]+):\/\/([^/]*)\/(.*)$/.exec(path);
  const [, , authority = '', bare = ''] = whole?.[1] === scheme ? whole : ['', scheme, uri.authority ?? '', path];
  const question = bare.indexOf('?');
  const address = question < 0 ? bare : bare.slice(0, question);
  const { host, port } = splitPort(address);
  if (host === '') throw new TargetError(`${text}: there is no name; write ${scheme}:///NAME:PORT`);
  return {
    text,
    authority,
    host,
    port,
    parameters: new TargetParameters(text, question < 0 ? '' : bare.slice(question)),
  };
}

function splitPort(address: string): { host: string; port: string } {
  if (address.startsWith('[')) {
    const end = address.indexOf(']');
    if (end > 0) return { host: address.slice(1, end), port: address.slice(end + 1).replace(/^:/, '') };
  }
  const colon = address.indexOf(':');
  // More than one colon without brackets: an IPv6 address.
  if (colon < 0 || colon !== address.lastIndexOf(':')) return { host: address, port: '' };
  return { host: address.slice(0, colon), port: address.slice(colon + 1) };
}

/** The part after `?`, read one by one; what nobody has asked for is an error. */
export class TargetParameters {
  readonly #target: string;
  readonly #values = new Map<string, string>();
  readonly #asked = new Set<string>();

  constructor(target: string, query: string) {
    this.#target = target;
    for (const [name, value] of new URLSearchParams(query)) {
      if (this.#values.has(name)) throw new TargetError(`${target}: the parameter ${name} is there twice; keep one`);
      this.#values.set(name, value);
    }
  }

  text(name: string): string | undefined {
    this.#asked.add(name);
    return this.#values.get(name);
  }

  /** `?name` or `?name=true`. */
  flag(name: string): boolean {
    const value = this.text(name);
    if (value === undefined || value === 'false') return false;
    if (value === '' || value === 'true') return true;
    throw this.#wrong(name, 'true or false');
  }

  durationMs(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const ms = parseDuration(value);
    if (ms === undefined) throw this.#wrong(name, 'a duration such as 30s or 500ms');
    return ms;
  }

  wholeNumber(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,9}$/.test(value)) throw this.#wrong(name, 'a whole number');
    return Number(value);
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = values.find((known) => known === value);
    if (found === undefined) throw this.#wrong(name, `one of ${values.join(', ')}`);
    return found;
  }

  /** @throws TargetError naming the first parameter that nothing has asked for */
  finish(): void {
    for (const name of this.#values.keys()) {
      if (this.#asked.has(name)) continue;
      const known = [...this.#asked].toSorted().join(', ');
      throw new TargetError(`${this.#target}: there is no parameter ${name}; there are ${known}`);
    }
  }

  #wrong(name: string, must: string): TargetError {
    return new TargetError(`${this.#target}: the parameter ${name} is ${this.#values.get(name)}; it must be ${must}`);
  }
}
