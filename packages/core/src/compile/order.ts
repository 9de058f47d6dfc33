/** By code unit, as Go sorts strings. Never by locale: the order must be the same everywhere. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface Aged {
  readonly createdAtMs: number;
  readonly name: string;
  readonly namespace: string;
}

/** Istio's order of precedence: the oldest first, then by name, then by namespace (pilot/pkg/model, `sortConfigByCreationTime`). */
export function compareAge(a: Aged, b: Aged): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs;
  return compareStrings(a.name, b.name) || compareStrings(a.namespace, b.namespace);
}
