import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const folder = resolve(import.meta.dirname, '..');
const GOLDEN = join(folder, 'packed.golden.json');
/** Sizes are rounded up to this, or every change would be one of the golden file. */
const STEP_KIB = 25;

interface Packed {
  readonly dependencies: unknown;
  /** What they bring along. */
  readonly dependenciesOfDependencies: unknown;
  readonly peerDependencies: unknown;
  readonly packedKiB: number;
  readonly unpackedKiB: number;
  /** Folders of `dist` and files beside it. */
  readonly places: readonly string[];
}

function manifestOf(path: string): Readonly<Record<string, unknown>> {
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
  assert.ok(typeof manifest === 'object' && manifest !== null);
  return Object.fromEntries(Object.entries(manifest));
}

async function pack(): Promise<{ paths: readonly string[]; packedBytes: number; unpackedBytes: number }> {
  const printed = await new Promise<string>((done, reject) => {
    const command = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
    execFile('npm', command, { cwd: folder, timeout: 60_000 }, (error, stdout) => {
      if (error === null) done(stdout);
      else reject(new Error(error.message.slice(0, 300)));
    });
  });
  return {
    paths: [...printed.matchAll(/"path": "([^"]+)"/g)].map(([, path = '']) => path),
    packedBytes: Number(/"size": (\d+),\s*"unpackedSize"/.exec(printed)?.[1]),
    unpackedBytes: Number(/"unpackedSize": (\d+)/.exec(printed)?.[1]),
  };
}

const toStep = (bytes: number): number => Math.ceil(bytes / 1024 / STEP_KIB) * STEP_KIB;

test('what people install: dependencies and size are those of packed.golden.json', async () => {
  const { paths, packedBytes, unpackedBytes } = await pack();
  const unwanted = paths.filter((path) => /\.test\.|tsbuildinfo|^src\/|golden/.test(path));
  assert.deepEqual(unwanted.slice(0, 3), []);
  const { dependencies, peerDependencies } = manifestOf(join(folder, 'package.json'));
  const { dependencies: further = {} } = manifestOf(join(folder, '..', 'core', 'package.json'));
  const places = paths.map((path) => /^dist\/[^/]+\/|^dist\//.exec(path)?.[0] ?? path);
  const packed: Packed = {
    dependencies,
    dependenciesOfDependencies: further,
    peerDependencies,
    packedKiB: toStep(packedBytes),
    unpackedKiB: toStep(unpackedBytes),
    places: [...new Set(places)].toSorted(),
  };
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, `${JSON.stringify(packed, null, 2)}\n`);
  assert.deepEqual(
    packed,
    JSON.parse(readFileSync(GOLDEN, 'utf8')),
    'is it meant? Then run this test with UPDATE_GOLDEN=1 and look at what has changed in packed.golden.json',
  );
});
