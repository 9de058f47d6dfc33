import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Logger } from '../log.ts';
import { STDIN_PATH } from './read-manifests.ts';

export interface WatchOptions {
  readonly paths: readonly string[];
  /** Called after changes have been quiet for `debounceMs`. */
  readonly onChange: () => void;
  /** A second look, for file systems that report nothing and links that now point elsewhere. */
  readonly fingerprint: () => Promise<string>;
  readonly log: Logger;
  /** Default 50: an editor's write and rename, or a ConfigMap's swap of links, are one change. */
  readonly debounceMs?: number;
  /** Default 2000. */
  readonly pollMs?: number;
}

/** Watches files and folders until the function it returns is called. Keeps no process alive. */
export async function watchPaths(options: WatchOptions): Promise<() => void> {
  const { onChange, log, debounceMs = 50, pollMs = 2000 } = options;
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const changed = (): void => {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, debounceMs);
    timer.unref();
  };

  for (const path of options.paths) {
    if (path === STDIN_PATH) continue;
    const { folder, isOurs } = await whereToWatch(path);
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (isOurs(name)) changed();
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch (error) {
      log.warn('Changes are noticed by polling only, as the path cannot be watched.', { path, error: String(error) });
    }
  }

  let last = await options.fingerprint();
  let polling = false;
  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    const now = await options.fingerprint();
    polling = false;
    if (now === last) return;
    last = now;
    changed();
  };
  const interval = setInterval(() => void poll(), pollMs);
  interval.unref();

  return () => {
    closed = true;
    clearTimeout(timer);
    clearInterval(interval);
    for (const watcher of watchers) watcher.close();
  };
}

/**
 * Editors replace a file by renaming another over it, and a mounted ConfigMap swaps the link `..data` beside its files:
 * both end a watch on the file itself, so its folder is watched.
 */
async function whereToWatch(path: string): Promise<{ folder: string; isOurs: (name: string | null) => boolean }> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return { folder: path, isOurs: () => true };
  const own = basename(path);
  return { folder: dirname(path), isOurs: (name) => name === null || name === own || name === '..data' };
}
