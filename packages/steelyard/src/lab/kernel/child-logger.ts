import type { Logger, LogLevel } from '../../log.ts';
import { createLogger } from '../../log-lines.ts';

/** To the stderr that a child of the lab shares with its parent. */
export function childLogger(level: LogLevel): Logger {
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  return createLogger({ level, format: 'text', write, now: Date.now });
}
