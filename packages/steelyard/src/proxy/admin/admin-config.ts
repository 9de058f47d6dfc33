import type { Snapshot } from '@steelyard/core/model';

/** `/config`: the Snapshot as JSON; its maps become objects with the same keys. */
export function renderConfig(snapshot: Snapshot): string {
  return JSON.stringify(snapshot, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value));
}
