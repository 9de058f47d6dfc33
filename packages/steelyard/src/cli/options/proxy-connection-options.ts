import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_LIMITS, LIMIT_RANGES, type Limits } from '@steelyard/http2';
import type { ConnectionSettings } from '../../proxy/index.ts';
import { parseLongDurationMs } from './option-values.ts';
import { UsageError } from '../usage-error.ts';

export interface ConnectionOptions {
  readonly limit?: Partial<Limits>;
  readonly maxConnectionAge?: number;
  readonly maxConnectionAgeGrace?: number;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--limit <name=value>',
        'what a connection bears, as maxConcurrentStreams=200; docs/limits.md has the names (repeatable)',
      ).argParser(parseLimit),
    )
    .addOption(
      new Option(
        '--max-connection-age <time>',
        "tell callers' connections to go at this age, give or take a tenth, as 30m; without it they stay",
      ).argParser(parseAge),
    )
    .addOption(
      new Option(
        '--max-connection-age-grace <time>',
        'end calls that go on for longer after that; without it they finish',
      ).argParser(parseLongDurationMs),
    );
}

export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  const { limit: limits, maxConnectionAge: ageMs, maxConnectionAgeGrace: graceMs } = options;
  if (ageMs !== undefined) return { limits, maxAge: { ageMs, graceMs } };
  if (graceMs === undefined) return { limits };
  throw new UsageError('--max-connection-age-grace: say with --max-connection-age when it begins');
}

/** One `name=value`, put to those before it. */
export function parseLimit(text: string, earlier: Partial<Limits> = {}): Partial<Limits> {
  const [, name = '', digits = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Write NAME=VALUE, as maxConcurrentStreams=200.');
  if (!isLimit(name)) {
    throw new InvalidArgumentError(`There is no limit "${name}"; there are ${Object.keys(DEFAULT_LIMITS).join(', ')}.`);
  }
  if (earlier[name] !== undefined) throw new InvalidArgumentError(`${name} is given twice.`);
  const [least, most] = LIMIT_RANGES[name];
  const value = Number(digits);
  if (!/^\d+$/.test(digits) || value < least || value > most) {
    throw new InvalidArgumentError(`${name} is a whole number from ${least} to ${most}.`);
  }
  return { ...earlier, [name]: value };
}

function isLimit(name: string): name is keyof Limits {
  return Object.hasOwn(DEFAULT_LIMITS, name);
}

/** Connections are looked at once a second, so a shorter age would not be kept. */
const LEAST_AGE_MS = 1000;

function parseAge(text: string): number {
  const ageMs = parseLongDurationMs(text);
  if (ageMs < LEAST_AGE_MS) throw new InvalidArgumentError('Give at least 1s.');
  return ageMs;
}
