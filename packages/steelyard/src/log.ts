export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Injected at the root. Messages are sentences; `fields` are the machine-readable rest. Never on the path of a call. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger whose lines name the part that speaks: `proxy`, `dns`, … */
  forComponent(name: string): Logger;
}
