import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lostPages, lostPlaces } from './doc-places.ts';
import { readWorkspaceFile, workspaceFiles } from './workspace.ts';

const paths = workspaceFiles();
const read = (ending: string) =>
  paths.filter((path) => path.endsWith(ending)).map((path) => ({ path, text: readWorkspaceFile(path) }));

describe('the pages of this workspace', () => {
  it('name no file, and link to no heading, that is not there', () => {
    const pages = read('.md');
    assert.ok(pages.some(({ path }) => path === 'docs/ARCHITECTURE.md'));
    assert.deepEqual(lostPlaces(pages, paths), []);
  });

  it('are there when the program names them', () => {
    const sources = read('.ts');
    assert.ok(sources.some(({ text }) => text.includes('docs/diagnostics.md')));
    assert.deepEqual(
      lostPages(
        sources.filter(({ path }) => !path.startsWith('packages/testkit/')),
        paths,
      ),
      [],
    );
  });
});

describe('a place in a page', () => {
  const tree = ['README.md', 'docs/a.md', 'docs/b.md', 'examples/one/x.yaml', 'packages/p/src/room/file.ts'];
  const b = { path: 'docs/b.md', text: '# Top\n\n## `code`, and: more\n' };
  const cases: readonly (readonly [text: string, lost: string | undefined])[] = [
    ['[b](b.md) and [up](../README.md)', undefined],
    ['[b](b.md#code-and-more)', undefined],
    ['[folder](../examples/one/)', undefined],
    ['[far](https://example.com/c.md)', undefined],
    ['[here](#own)\n# Own', undefined],
    ['`packages/p/src/room/file.ts`, `p/room/file.ts`, `room/file.ts`, `file.ts`', undefined],
    ['`x.test.ts` beside `x.ts`', undefined],
    ['`-f examples/one`', undefined],
    ['```sh\ncat [a](no.md) `no.ts`\n```', undefined],
    ['[b](c.md)', 'c.md'],
    ['[b](b.md#other)', 'b.md#other'],
    ['`other/file.ts`', 'other/file.ts'],
    ['`gone.ts`', 'gone.ts'],
    ['run -f examples/two now', 'examples/two'],
    ['```sh\nrun -f examples/two\n```', 'examples/two'],
  ];
  for (const [text, lost] of cases) {
    it(`${lost === undefined ? 'is found' : 'is missed'}: ${JSON.stringify(text)}`, () => {
      const found = lostPlaces([{ path: 'docs/a.md', text }, b], tree);
      assert.deepEqual(found, lost === undefined ? [] : [`docs/a.md: ${lost} is not there`]);
    });
  }

  it('is looked for in what sources say', () => {
    const source = { path: 'a.ts', text: "'docs/a.md has it, docs/c.md not; examples/two'" };
    assert.deepEqual(lostPages([source], tree), ['a.ts: docs/c.md is not there']);
  });
});
