// Loggers for tests.
import type { Logger, LogLevel } from './log.ts';

/** Does what is given, whatever component speaks; else nothing. */
export function logThat(methods: Partial<Pick<Logger, LogLevel>>): Logger {
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, ...methods, forComponent: () => log };
  return log;
}

export const silentLog: Logger = logThat({});

/** Puts the messages of all levels into `lines`. */
export function recordingLog(lines: string[]): Logger {
  const record = (message: string): void => void lines.push(message);
  return logThat({ debug: record, info: record, warn: record, error: record });
}
