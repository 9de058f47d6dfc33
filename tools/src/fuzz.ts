/**
 * Runs the fuzz tests for a time: `npm run fuzz -- [--minutes N] [--seed N]`. Each target runs that long. A failure names
 * the seed it can be run again from.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const targets = ['packages/http2/dist/fuzz.test.js', 'packages/steelyard/dist/proxy/abuse/fuzz.test.js'].map((file) =>
  join(root, file),
);

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0 && minutes <= 600) || !Number.isSafeInteger(seed)) {
  process.stderr.write('error: write --minutes N (up to 600) and --seed N\n');
  process.exit(2);
}
const missing = targets.find((file) => !existsSync(file));
if (missing !== undefined) {
  process.stderr.write(`error: ${missing} is not there; run "npm run build"\n`);
  process.exit(2);
}
process.stderr.write(`fuzzing for ${minutes} min a target, from seed ${seed}\n`);
// One file after the other: targets that run side by side have half the machine each.
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...targets], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_MINUTES: String(minutes), FUZZ_SEED: String(seed) },
});
process.exit(status ?? 1);
