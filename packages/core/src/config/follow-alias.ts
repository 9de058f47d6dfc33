import type { ServiceEntry } from '../model/index.ts';

/** Aliases of aliases that are followed: more are a circle. */
const MOST_ALIASES = 8;

/**
 * The Service that an alias (type ExternalName) leads to; any other is its own end. `undefined` where it leads out of the
 * cluster, or nowhere.
 *
 * @param find by the full name
 */
export function followAlias(
  entry: ServiceEntry,
  find: (host: string) => ServiceEntry | undefined,
): ServiceEntry | undefined {
  let at: ServiceEntry | undefined = entry;
  for (let hops = 0; at?.service.type === 'ExternalName'; hops++) {
    const name: string | undefined = at.service.externalName;
    at = hops < MOST_ALIASES && name !== undefined ? find(name) : undefined;
  }
  return at;
}
