import pc from 'picocolors';
import type { Logger, LogLevel } from '../log.ts';
import { createLogger } from '../log-lines.ts';
import type { CliContext } from './cli-context.ts';
import type { LogOptions } from './options/shared-options.ts';

export function createCliLogger(
  { stderr }: CliContext,
  { logLevel, logFormat }: LogOptions,
  { bare = false }: { bare?: boolean } = {},
): Logger {
  const colors = pc.createColors(stderr.hasColors);
  const paint: Readonly<Record<LogLevel, (text: string) => string>> = {
    debug: colors.dim,
    info: colors.cyan,
    warn: colors.yellow,
    error: colors.red,
  };
  return createLogger({
    level: logLevel,
    format: logFormat,
    write: (line) => stderr.write(`${line}\n`),
    now: Date.now,
    bare,
    paint: (level, text) => paint[level](text),
  });
}
