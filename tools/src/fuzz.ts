/**
 * Runs fuzz targets for a time: `npm run fuzz -- [--minutes N] [--seed N] [--target NAME]`. A failure names the seed it can
 * be run again from. Exit 0 all held, 1 one did not, 2 wrong usage.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

interface Target {
  readonly file: string;
  /** Of its test, which is one of several in the file. */
  readonly test: string;
}

const HTTP2 = 'packages/http2/dist/fuzz.test.js';
const TARGETS: ReadonlyMap<string, Target> = new Map([
  ['server', { file: HTTP2, test: 'a server survives' }],
  ['client', { file: HTTP2, test: 'a client survives' }],
  ['hpack', { file: HTTP2, test: 'header blocks decode' }],
  ['proxy', { file: 'packages/steelyard/dist/proxy/abuse/fuzz.test.js', test: 'the proxy survives' }],
]);

const USAGE = `npm run fuzz [-- OPTIONS]
  --minutes N    for each target, up to 600 (default: 1)
  --seed N       where the cases begin (default: by the clock)
  --target NAME  ${[...TARGETS.keys()].join(' | ')}, repeatable (default: all, one after the other)
`;

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly targets: readonly string[];
}

/** @throws Error that says what to write instead. */
function parseOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      target: { type: 'string', multiple: true, default: [...TARGETS.keys()] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0 && minutes <= 600)) throw new Error('--minutes: write a number above 0, up to 600');
  if (!Number.isSafeInteger(seed)) throw new Error('--seed: write a whole number');
  const unknown = values.target.find((name) => !TARGETS.has(name));
  if (unknown !== undefined) throw new Error(`--target ${unknown}: write one of ${[...TARGETS.keys()].join(', ')}`);
  return { minutes, seed, targets: values.target };
}

const root = resolve(import.meta.dirname, '../..');

/** Resolves with what the test said, which is TAP. */
async function run({ file, test }: Target, minutes: number, seed: number): Promise<string> {
  const path = join(root, file);
  if (!existsSync(path)) throw new Error(`${path} is not there; run "npm run build"`);
  const args = ['--test', '--test-reporter=tap', `--test-name-pattern=${test}`, path];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FUZZ_MINUTES: String(minutes), FUZZ_SEED: String(seed) },
  });
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8')) said += String(text);
  return said;
}

/** Says every so often how far it is, to people only. */
function watchTime(name: string, minutes: number): () => void {
  if (!process.stderr.isTTY) return () => undefined;
  const begun = Date.now();
  const timer = setInterval(() => {
    process.stderr.write(`\r${name}: ${((Date.now() - begun) / 60_000).toFixed(1)} of ${minutes} min `);
  }, 1000);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\u001b[K');
  };
}

async function fuzz({ minutes, seed, targets }: Options): Promise<boolean> {
  process.stderr.write(`${targets.join(', ')}: ${minutes} min each, from seed ${seed}\n`);
  let allHeld = true;
  for (const name of targets) {
    const target = TARGETS.get(name);
    if (target === undefined) continue;
    const stop = watchTime(name, minutes);
    const said = await run(target, minutes, seed);
    stop();
    const held = /^# pass 1$/m.test(said) && /^# fail 0$/m.test(said);
    const cases = /(?<count>\d+) cases/.exec(said)?.groups?.['count'] ?? 'no';
    process.stdout.write(held ? `${name}: ${cases} cases, all held\n` : `${said}\n${name}: not ok\n`);
    allHeld &&= held;
  }
  return allHeld;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else process.exitCode = (await fuzz(options)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
