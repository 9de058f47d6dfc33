// The commands of the READMEs do what a reader sees there. A fence is run when the line above it is a comment:
// `<!-- runs -->` for commands that end with 0, `<!-- stays up -->` for one that runs until it is told to end.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { WORKSPACE_ROOT } from '@steelyard/testkit';
import { LAUNCHER, startCli } from './cli.test-bed.ts';

const LIMIT_MS = 60_000;

interface Example {
  readonly mark: string;
  readonly command: string;
}

function examplesOf(markdown: string): readonly Example[] {
  return [...markdown.matchAll(/^<!-- (?<mark>runs|stays up) -->\n+```sh\n(?<text>[\s\S]*?)^```$/gm)].flatMap(
    ({ groups }) => {
      const lines = (groups?.['text'] ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return lines.map((command) => ({ mark: groups?.['mark'] ?? '', command }));
    },
  );
}

test('fences are found by their mark', () => {
  const fence = '```sh\n# why\na\nb\n```\n';
  assert.deepEqual(examplesOf(`${fence}\n<!-- runs -->\n${fence}\n<!-- stays up -->\n\n${fence}`), [
    { mark: 'runs', command: 'a' },
    { mark: 'runs', command: 'b' },
    { mark: 'stays up', command: 'a' },
    { mark: 'stays up', command: 'b' },
  ]);
});

/** The command that is built here, whatever npx would find; ports that are free, whatever is taken. */
function localised(command: string): string {
  const launcher = `"${process.execPath}" "${LAUNCHER}"`;
  return command.replaceAll('npx steelyard', launcher).replaceAll(/--listen 127\.0\.0\.1:\d+/g, '--listen 127.0.0.1:0');
}

const english = examplesOf(await readFile(`${WORKSPACE_ROOT}/README.md`, 'utf8'));
const chinese = examplesOf(await readFile(`${WORKSPACE_ROOT}/README.zh-CN.md`, 'utf8'));

test('both READMEs show the same commands', () => {
  assert.ok(english.length >= 5, `${english.length} examples`);
  assert.deepEqual(chinese, english);
});

for (const { mark, command } of english) {
  test(`README: ${command}`, async (t) => {
    if (mark === 'runs') {
      await promisify(execFile)('sh', ['-c', localised(command)], { cwd: WORKSPACE_ROOT, timeout: LIMIT_MS });
      return;
    }
    const [program, ...args] = localised(command)
      .replace(/^("[^"]+" ){1,2}/, 'steelyard ')
      .split(' ');
    assert.equal(program, 'steelyard');
    const paths = args.map((arg) => (arg.startsWith('examples/') ? `${WORKSPACE_ROOT}/${arg}` : arg));
    const running = startCli(t, paths);
    await running.said(/^steelyard \w+ (listens|answers) .*\n/m);
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).code, 0);
  });
}
