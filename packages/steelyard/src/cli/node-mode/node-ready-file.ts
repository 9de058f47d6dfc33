import { rmSync, writeFileSync } from 'node:fs';
import type { Logger } from '../../log.ts';

/** Says by its being there that the rules are in effect: a probe that needs no port, and no process of its own. */
export interface ReadyFile {
  set(ready: boolean): void;
}

export function createReadyFile(path: string | undefined, log: Logger): ReadyFile {
  if (path === undefined) return { set: () => undefined };
  const set = (ready: boolean): void => {
    try {
      if (ready) writeFileSync(path, '');
      else rmSync(path, { force: true });
    } catch (error) {
      log.warn(`--ready-file: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  // Of a process that was killed.
  set(false);
  return { set };
}
