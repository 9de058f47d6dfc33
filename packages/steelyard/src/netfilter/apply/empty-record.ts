/** For keys that others chose: inherits nothing, so that `toString` is a key like any other. */
export function emptyRecord<T>(): Record<string, T> {
  const record: Record<string, T> = {};
  Object.setPrototypeOf(record, null);
  return record;
}
