import { existsSync, type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '../../log.ts';

/** Something that may change. */
export interface Source<T> {
  readonly current: T;
  /** Returns what ends the subscription. */
  subscribe(listener: (value: T) => void): () => void;
}

/** What is made of files. When the files change, listeners get what is made of them now; broken ones change nothing. */
export interface FollowedFiles<T> extends Source<T> {
  close(): void;
}

export interface FollowOptions<T> {
  readonly paths: readonly string[];
  /** Reads and checks all of them. What it throws the first time is what opening fails with. */
  readonly read: () => Promise<T>;
  /** Two values with the same fingerprint are the same. */
  readonly fingerprint: (value: T) => string;
  readonly log: Logger;
}

/** Certificate and key are replaced one after the other: both are waited for. */
const QUIET_MS = 200;
/** In a folder that is never quiet, for a log is written there, they are read after this. */
const LONGEST_WAIT_MS = 2000;
/** File systems that report nothing, as network ones, are looked at this often. */
const LOOK_EVERY_MS = 30_000;

export async function followFiles<T>({ paths, read, fingerprint, log }: FollowOptions<T>): Promise<FollowedFiles<T>> {
  const listeners = new Set<(value: T) => void>();
  let current = await read();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  /** When the first change came that has not been looked at. */
  let changedAt: number | undefined;
  let complaint = '';

  const reload = async (): Promise<void> => {
    const next = await read();
    if (closed) return;
    complaint = '';
    if (fingerprint(next) === fingerprint(current)) return;
    current = next;
    log.info('the certificates have changed; new connections get the new ones');
    for (const listener of listeners) listener(next);
  };
  // Said once, as long as it is the same: the log may be in the folder that is watched.
  const complain = (error: unknown): void => {
    if (closed || String(error) === complaint) return;
    complaint = String(error);
    log.error('the certificates have changed, but the old ones stay in use', { error });
  };
  const changed = (): void => {
    const now = performance.now();
    changedAt ??= now;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        changedAt = undefined;
        reload().catch(complain);
      },
      Math.min(QUIET_MS, Math.max(0, changedAt + LONGEST_WAIT_MS - now)),
    ).unref();
  };

  // The folders: a mounted Secret is changed by swapping a link beside the files, and a file by renaming another over it.
  const watchers: FSWatcher[] = [];
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    // A folder that is not there yet is looked at now and then, as a network one.
    if (!existsSync(folder)) continue;
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    watchers.push(watcher);
  }
  const looking = setInterval(changed, LOOK_EVERY_MS).unref();

  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(looking);
      for (const watcher of watchers) watcher.close();
    },
  };
}
