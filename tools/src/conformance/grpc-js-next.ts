import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SuiteOptions, SuiteResult } from './suite.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const library = join(root, 'packages', 'grpc-js');

/** About the package itself or the installed version, not about how it goes with grpc-js. */
const APART: ReadonlySet<string> = new Set([
  'documentation.test.js',
  'examples.test.js',
  'packed.test.js',
  'grpc-version.test.js',
]);
/** What the tests import beside grpc-js. */
const LINKED = ['@opentelemetry', '@types', 'undici-types'];
/** Of this workspace: what the library and its tests import. */
const LINKED_PACKAGES = ['core', 'testkit'];
const INSTALL_TIMEOUT_MS = 180_000;
const TYPES_TIMEOUT_MS = 120_000;
const TESTS_TIMEOUT_MS = 400_000;
/** Fewer would mean that they were not found. */
const LEAST_TESTS = 150;
const MOST_SHOWN = 15;

/**
 * `@steelyard/grpc-js` with the newest grpc-js: its types, then its tests, in a folder of their own. The library's peer range is
 * one minor version, as each has changed the experimental interfaces; this says which of them breaks it, and where.
 * `GRPC_JS_VERSION` takes another version: an old one shows that the suite can fail.
 */
export async function grpcJsNext({ say }: SuiteOptions): Promise<SuiteResult> {
  const wanted = process.env['GRPC_JS_VERSION'] ?? 'latest';
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-grpc-js-next-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
    const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `@grpc/grpc-js@${wanted}`];
    const installed = await run('npm', install, folder, INSTALL_TIMEOUT_MS);
    if (installed.code !== 0) throw new Error(`npm cannot install @grpc/grpc-js@${wanted}: ${tail(installed.output)}`);
    const version = versionIn(join(folder, 'node_modules', '@grpc', 'grpc-js'));
    say(
      `@grpc/grpc-js ${version}, the library is written for ${versionIn(join(root, 'node_modules', '@grpc', 'grpc-js'))}`,
    );
    placeLibrary(folder);
    const failures = [...(await checkTypes(folder)), ...(await runTests(folder, say))];
    const verdict =
      failures.length === 0
        ? 'the library works with it'
        : `${failures.length} things do not hold; begin with packages/grpc-js/src/grpc-api.ts`;
    return {
      summary: `grpc-js-next: @grpc/grpc-js ${version}: ${verdict}`,
      failures: shown(failures).map((failure) => `${failure} (@grpc/grpc-js ${version})`),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function shown(failures: readonly string[]): readonly string[] {
  const more = failures.length - MOST_SHOWN;
  return more > 0 ? [...failures.slice(0, MOST_SHOWN), `and ${more} more`] : failures;
}

/** Copies, not links: what they import is looked for from where they really are. */
function placeLibrary(folder: string): void {
  for (const part of ['src', 'dist', 'package.json'])
    cpSync(join(library, part), join(folder, 'library', part), { recursive: true });
  cpSync(join(root, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'));
  writeFileSync(
    join(folder, 'library', 'tsconfig.json'),
    JSON.stringify({
      extends: '../tsconfig.base.json',
      compilerOptions: { noEmit: true, composite: false, incremental: false, customConditions: [] },
      include: ['src'],
      exclude: ['src/**/*.test.ts', 'src/**/*.test-bed.ts'],
    }),
  );
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@steelyard'), { recursive: true });
  for (const name of LINKED_PACKAGES) {
    symlinkSync(join(root, 'packages', name), join(modules, '@steelyard', name));
  }
  for (const name of LINKED) {
    // npm may have put there what grpc-js itself needs.
    rmSync(join(modules, name), { recursive: true, force: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
}

async function checkTypes(folder: string): Promise<readonly string[]> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run(process.execPath, [tsc, '-p', 'library'], folder, TYPES_TIMEOUT_MS);
  if (code === 0) return [];
  const errors = output.split('\n').filter((line) => line.includes('error TS'));
  return (errors.length > 0 ? errors : [tail(output)]).slice(0, 10).map((line) => `types: ${line.trim()}`);
}

async function runTests(folder: string, say: SuiteOptions['say']): Promise<readonly string[]> {
  const dist = join(folder, 'library', 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js') && !APART.has(file))
    .map((file) => join(dist, file));
  const args = ['--test', '--test-reporter=tap', '--test-timeout=60000', '--test-force-exit', ...files];
  const { output } = await run(process.execPath, args, folder, TESTS_TIMEOUT_MS);
  const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1] ?? 0);
  const failed = Number(/^# fail (\d+)$/m.exec(output)?.[1] ?? 0);
  say(`${passed} tests pass, ${failed} fail`);
  // Of nested tests the innermost: those around them fail with them.
  const names = [...output.matchAll(/^( *)not ok \d+ - (.+)$/gm)].map(([, indent = '', name = '']) => ({
    depth: indent.length,
    name,
  }));
  const innermost = names.filter(({ depth }, index) => !((names[index - 1]?.depth ?? 0) > depth));
  const failures = innermost.map(({ name }) => `test: ${name.replace(folder, '')}`);
  if (failures.length === 0 && passed < LEAST_TESTS) {
    return [`tests: only ${passed} have passed, of at least ${LEAST_TESTS}: ${tail(output)}`];
  }
  return failures;
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd: string, timeout: number): Promise<Outcome> {
  return new Promise((done, reject) => {
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const child = spawn(command, args, { cwd, env, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
    process.once('exit', () => child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    child.once('error', reject).once('close', (code) => done({ code, output }));
  });
}

function tail(output: string): string {
  return output.trim().split('\n').slice(-3).join(' ').slice(-400);
}

function versionIn(folder: string): string {
  return /"version": "([^"]+)"/.exec(readFileSync(join(folder, 'package.json'), 'utf8'))?.[1] ?? 'unknown';
}
