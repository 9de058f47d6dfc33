import type { Logger, LogLevel } from './log.ts';

/** What one of our processes says, on its way to the process that started it. */
export interface LogMessage {
  readonly kind: 'log';
  readonly level: LogLevel;
  /** Components by dots, the inner ones last; empty for none. */
  readonly component: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** The log of a process that has no place of its own to write to. */
export function createWorkerLog(tell: (message: LogMessage) => void, component = ''): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void =>
      tell({ kind: 'log', level, component, message, fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    forComponent: (name) => createWorkerLog(tell, component === '' ? name : `${component}.${name}`),
  };
}

/** Writes to `log` what a process has said, with these fields besides. */
export function writeWorkerLog(
  log: Logger,
  { level, component, message, fields }: LogMessage,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const own = component === '' ? log : log.forComponent(component);
  own[level](message, { ...fields, ...more });
}
