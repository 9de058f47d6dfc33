/** What was measured of one subject in one experiment. */
export interface Row {
  readonly experiment: string;
  readonly subject: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** Rows as an experiment's own process prints them. @throws TypeError for anything else */
export function parseRows(text: string): Row[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || !value.every(isRow)) throw new TypeError('the experiment has printed no rows');
  return value;
}

function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null) return false;
  const { experiment, subject, figures } = Object.fromEntries(Object.entries(value));
  return typeof experiment === 'string' && typeof subject === 'string' && typeof figures === 'object';
}
