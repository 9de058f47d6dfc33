import type { Service, ServiceEntry } from '../../model/index.ts';
import { isSame } from '../same.ts';

/** The previous map itself when nothing differs; else a new one in which equal values are the previous ones (`===`). */
export function reuseEntries<T>(
  previous: ReadonlyMap<string, T> | undefined,
  next: ReadonlyMap<string, T>,
  reuse: (before: T, after: T) => T = reuseWhole,
): ReadonlyMap<string, T> {
  if (previous === undefined) return next;
  const reused = new Map<string, T>();
  let unchanged = previous.size === next.size;
  for (const [key, value] of next) {
    const before = previous.get(key);
    const after = before === undefined ? value : reuse(before, value);
    if (after !== before) unchanged = false;
    reused.set(key, after);
  }
  return unchanged ? previous : reused;
}

function reuseWhole<T>(before: T, after: T): T {
  return isSame(before, after) ? before : after;
}

/** When only one port's endpoints changed, the Service and its other ports keep their identity. */
export function reuseServiceEntry(before: ServiceEntry, after: ServiceEntry): ServiceEntry {
  const service = isSameService(before.service, after.service) ? before.service : after.service;
  const ports = after.ports.map((port, index) => {
    const earlier = before.ports[index];
    return earlier === undefined ? port : reuseWhole(earlier, port);
  });
  const portless = isSame(before.portless, after.portless) ? before.portless : after.portless;
  const unchanged =
    service === before.service &&
    portless === before.portless &&
    ports.length === before.ports.length &&
    ports.every((port, index) => port === before.ports[index]);
  return unchanged ? before : { service, ports, ...(portless !== undefined && { portless }) };
}

/**
 * Where a Service stands in its file is not part of what it says: a line added above it must not look like a change of
 * the Service to those who take the difference of Snapshots.
 */
function isSameService(before: Service, after: Service): boolean {
  const { position: _before, ...left } = before;
  const { position: _after, ...right } = after;
  return isSame(left, right);
}
