/**
 * `npm test [-- [--coverage] PATH…]`: node's own runner over the compiled tests. Exits as the runner does; finding no test is a
 * failure, for a gate that can pass on an empty set checks nothing.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compiledFolders, compiledTests, matchesFilter, removeStaleOutput, uncompiledTests } from './compiled-tests.ts';

/** The longest one test may take. A test that hangs is a failure with a name, not a stuck gate. */
const TEST_TIMEOUT_MS = 180_000;

const root = resolve(import.meta.dirname, '..', '..');

function fail(message: string): never {
  process.stderr.write(`run-tests: ${message}\n`);
  process.exit(2);
}

function selectTests(filters: readonly string[]): string[] {
  const folders = compiledFolders(root);
  for (const file of folders.flatMap(removeStaleOutput)) {
    process.stderr.write(`removed stale ${relative(root, file)}\n`);
  }
  const meant = (file: string): boolean =>
    filters.length === 0 || filters.some((filter) => matchesFilter(root, file, filter));
  const missing = folders.flatMap(uncompiledTests).filter(meant);
  if (missing.length > 0) {
    fail(`${missing.map((file) => relative(root, file)).join(', ')} not compiled; run "npm run build" first`);
  }
  const tests = folders.flatMap(compiledTests);
  for (const filter of filters) {
    if (!tests.some((file) => matchesFilter(root, file, filter))) fail(`no test under ${filter}`);
  }
  return tests.filter(meant);
}

function coverageCommand(): string[] {
  const c8 = dirname(createRequire(import.meta.url).resolve('c8/package.json'));
  return [
    join(c8, 'bin', 'c8.js'),
    '--exclude-after-remap',
    '--include=packages/*/src/**',
    '--exclude=**/*.test.ts',
    '--exclude=**/*.test-bed.ts',
    '--reporter=text',
    '--reporter=lcov',
    '--reports-dir=coverage',
    process.execPath,
  ];
}

const { values, positionals } = parseArgs({
  options: { coverage: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const tests = selectTests(positionals);
if (tests.length === 0) fail('no compiled test found; run "npm run build" first');

// A runner inside a test of this runner would report to that one instead of to the terminal.
const { NODE_TEST_CONTEXT: _inherited, ...environment } = process.env;
const child = spawn(
  process.execPath,
  [
    ...(values.coverage ? coverageCommand() : []),
    '--enable-source-maps',
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${Math.max(2, availableParallelism())}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...tests.map((file) => relative(root, file)),
  ],
  { cwd: root, stdio: 'inherit', env: environment },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
