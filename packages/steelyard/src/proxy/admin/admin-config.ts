import type { Snapshot } from '@steelyard/core/model';
import type { RouteTableOptions } from '@steelyard/core/routing';

/**
 * `/config`: the Snapshot as JSON; its maps become objects with the same keys.
 *
 * @param routing what the proxy routes by besides, as `routing`; absent: its listeners differ in it.
 */
export function renderConfig(snapshot: Snapshot, routing?: RouteTableOptions): string {
  const config = routing === undefined ? snapshot : { ...snapshot, routing };
  return JSON.stringify(config, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value));
}
