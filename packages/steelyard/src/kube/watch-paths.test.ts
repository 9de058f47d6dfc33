import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { logThat } from '../log.test-bed.ts';
import { watchPaths } from './watch-paths.ts';

const NEVER = 1_000_000;

let folder = '';
let stop: (() => void) | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steelyard-'));
});

afterEach(async () => {
  stop?.();
  await rm(folder, { recursive: true, force: true });
});

const log = logThat({
  warn: () => assert.fail('nothing to warn of'),
  error: () => assert.fail('nothing failed'),
});

/** Watches, changes, and resolves when the change is noticed. The watch keeps no process alive, the limit does. */
async function notices(
  paths: readonly string[],
  pollMs: number,
  fingerprint: () => Promise<string>,
  change: () => Promise<unknown>,
): Promise<void> {
  const { promise, resolve, reject } = withResolvers();
  const limit = setTimeout(() => reject(new Error('the change was not noticed')), 10_000);
  stop = await watchPaths({ paths, onChange: resolve, fingerprint, log, debounceMs: 1, pollMs });
  await change();
  await promise;
  clearTimeout(limit);
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => undefined;
  let reject = (_error: Error): void => undefined;
  const promise = new Promise<void>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

const same = (): Promise<string> => Promise.resolve('same');

test('a file is watched through its replacement', async () => {
  const path = join(folder, 'a.yaml');
  await writeFile(path, '1');
  await notices([path], NEVER, same, async () => {
    await writeFile(join(folder, 'b'), '2');
    await rename(join(folder, 'b'), path);
  });
});

test('a file is watched through the swap of its ..data link', async () => {
  await symlink('v1', join(folder, '..data'));
  await symlink('v2', join(folder, '..tmp'));
  await notices([join(folder, 'a.yaml')], NEVER, same, () => rename(join(folder, '..tmp'), join(folder, '..data')));
});

test('polling notices what no event tells', async () => {
  let state = 'before';
  const fingerprint = (): Promise<string> => Promise.resolve(state);
  await notices(['-'], 1, fingerprint, () => Promise.resolve((state = 'after')));
});
