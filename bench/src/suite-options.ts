/** For `parseArgs`: what every suite takes. */
export const SUITE_OPTIONS = {
  output: { type: 'string', short: 'o', default: 'table' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export type OutputFormat = 'table' | 'json';

// Each throws a one-sentence error for a wrong value.

export function outputFormat(text: string): OutputFormat {
  if (text === 'table' || text === 'json') return text;
  throw new Error(`-o ${text}: must be table or json`);
}

/** @param option as it is written, `--rounds` */
export function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`${option} ${text}: must be a whole number from 1 to ${most}`);
}

/** @param option as it is written, `--seconds` */
export function numberBetween(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`${option} ${text}: must be a number from ${least} to ${most}`);
}
