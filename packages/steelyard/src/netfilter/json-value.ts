/** Looking into JSON that others wrote: `undefined` wherever it has another shape than asked for. */

export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined;
  const found: unknown = Reflect.get(value, name);
  return found;
}

export function pathOf(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce(fieldOf, value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** The only field of an object, as nft's JSON names things: `{"payload": {…}}`. */
export function soleField(value: unknown): readonly [string, unknown] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [first, ...others] = Object.entries(value);
  return first !== undefined && others.length === 0 ? first : undefined;
}
