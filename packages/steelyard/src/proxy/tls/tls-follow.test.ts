import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Logger } from '../../log.ts';
import { followFiles } from './tls-follow.ts';

interface Bed {
  readonly folder: string;
  /** What reading the files brings from now on. */
  readonly say: (value: string | Error) => void;
  /** Resolves when they are read the next time. */
  readonly nextRead: () => Promise<void>;
  readonly complaints: string[];
  readonly taken: string[];
}

async function follow(t: TestContext): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-follow-'));
  const path = join(folder, 'tls.crt');
  writeFileSync(path, 'first');
  const complaints: string[] = [];
  const taken: string[] = [];
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_message, fields) => void complaints.push(String(fields?.['error'])),
    forComponent: () => log,
  };
  let value: string | Error = 'first';
  let onRead: () => void = () => undefined;
  const files = await followFiles({
    paths: [path],
    read: async () => {
      setImmediate(onRead);
      if (value instanceof Error) throw value;
      return value;
    },
    fingerprint: (text) => text,
    log,
  });
  files.subscribe((next) => taken.push(next));
  // Following keeps no process alive; the test is to be.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => {
    clearInterval(alive);
    files.close();
    rmSync(folder, { recursive: true });
  });
  return {
    folder,
    say: (next) => (value = next),
    nextRead: () => new Promise((resolve) => (onRead = resolve)),
    complaints,
    taken,
  };
}

describe('files that are followed', { timeout: 30_000 }, () => {
  test('are complained of once, until they are good or broken in another way', async (t) => {
    const { folder, say, nextRead, complaints, taken } = await follow(t);
    const touch = async (): Promise<void> => {
      const read = nextRead();
      appendFileSync(join(folder, 'the.log'), 'x');
      await read;
    };
    say(new Error('cut off'));
    for (let turn = 0; turn < 3; turn++) await touch();
    assert.deepEqual(complaints, ['Error: cut off']);
    say(new Error('no pair'));
    await touch();
    say('first');
    await touch();
    say(new Error('no pair'));
    await touch();
    assert.deepEqual(complaints, ['Error: cut off', 'Error: no pair', 'Error: no pair']);
    say('second');
    await touch();
    assert.deepEqual(taken, ['second']);
  });

  test('are read in time, though something in their folder changes all the while', async (t) => {
    const { folder, say, nextRead, taken } = await follow(t);
    const busy = setInterval(() => appendFileSync(join(folder, 'access.log'), 'x'), 20);
    t.after(() => clearInterval(busy));
    say('second');
    await nextRead();
    assert.deepEqual(taken, ['second']);
  });
});
