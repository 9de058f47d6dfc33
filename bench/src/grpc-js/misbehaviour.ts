/** What a slow pod answers. */
export const LATE = 'I am so late';

/** What a pod does that others do not, by its address. */
export interface Misbehaviour {
  /** Reports with each answer that it can do so many calls a second at full use (an OrcaLoadReport, gRFC A51). */
  readonly capacity?: number;
  readonly delayMs?: number;
  /** A gRPC status code, at once. */
  readonly failure?: number;
}

/** @throws TypeError for anything but `{"ADDRESS": {"delayMs": N, "failure": N, "capacity": N}}` */
export function parseMisbehaviour(text: string): ReadonlyMap<string, Misbehaviour> {
  return new Map([...fieldsOf(JSON.parse(text))].map(([address, value]) => [address, read(fieldsOf(value))]));
}

function read(fields: ReadonlyMap<string, unknown>): Misbehaviour {
  const [delayMs, failure, capacity] = [fields.get('delayMs'), fields.get('failure'), fields.get('capacity')];
  return {
    ...(typeof delayMs === 'number' && { delayMs }),
    ...(typeof failure === 'number' && { failure }),
    ...(typeof capacity === 'number' && { capacity }),
  };
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('a misbehaviour must be an object');
  return new Map(Object.entries(value));
}
