import type { Logger, LogLevel } from './log.ts';

export type LogFormat = 'text' | 'json';

/** From the one that lets everything through to the one that lets nothing through but errors. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface LoggerOptions {
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line at a time, without its line feed. */
  readonly write: (line: string) => void;
  /** Milliseconds since the epoch; only JSON lines carry a time (a terminal's reader has a clock). */
  readonly now: () => number;
  /** Text lines without level and component: for messages that begin with a place of their own. */
  readonly bare?: boolean;
  /** How a level is painted on a terminal; identity elsewhere. */
  readonly paint?: (level: LogLevel, text: string) => string;
}

type Fields = Readonly<Record<string, unknown>>;

/** A {@link Logger} that writes lines: sentences with `key=value` for people, one JSON object a line for machines. */
export function createLogger(options: LoggerOptions): Logger {
  return loggerOf(options, '');
}

function loggerOf(options: LoggerOptions, component: string): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const paint = options.paint ?? ((_level, text): string => text);
  const head = (level: LogLevel): string => `${paint(level, level)}: ${component === '' ? '' : `${component}: `}`;
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}): void => {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      options.write(
        options.format === 'json'
          ? renderJsonLine(options.now(), level, component, message, fields)
          : renderTextLine(options.bare === true ? '' : head(level), message, fields),
      );
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    forComponent: (name) => loggerOf(options, component === '' ? name : `${component}.${name}`),
  };
}

function renderTextLine(head: string, message: string, fields: Fields): string {
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${renderValue(value)}`);
  return `${head}${oneLine(message)}${rest.join('')}`;
}

function renderJsonLine(time: number, level: LogLevel, component: string, message: string, fields: Fields): string {
  const plain = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plainValue(value)]));
  const head = { time: new Date(time).toISOString(), level, ...(component === '' ? {} : { component }), message };
  // The four fixed keys win over a field of the same name: readers rely on them.
  return JSON.stringify({ ...plain, ...head });
}

function renderValue(value: unknown): string {
  const plain = plainValue(value);
  if (typeof plain === 'string') return /^[^\s"=]+$/.test(plain) ? plain : JSON.stringify(plain);
  return JSON.stringify(plain) ?? 'undefined';
}

/** JSON has no Error, bigint, Map or Set: the message, the digits, the contents. */
function plainValue(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}

/** A log line is one line, whatever a peer put into the text. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
