import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { createRegex, RegexSyntaxError } from './regex.ts';

const MATCHES: readonly [string, string, boolean][] = [
  ['', '', true],
  ['a', 'ab', false],
  ['/echo\\.Echo/.*', '/echo.Echo/Say', true],
  ['/echo\\.Echo/.*', '/echoXEcho/Say', false],
  ['/(foo|bar)/[A-Z][a-z]+', '/bar/Say', true],
  ['(?i)/ECHO/say', '/echo/SAY', true],
  ['(?i:a)b', 'Ab', true],
  ['(?i:a)b', 'AB', false],
  ['a{2,3}', 'aaa', true],
  ['a{2,3}', 'aaaa', false],
  ['a{2,}', 'aaaaa', true],
  ['a{2}', 'aaa', false],
  ['a{,2}', 'a{,2}', true],
  ['^v1$', 'v1', true],
  ['x^', 'x', false],
  ['\\d+\\.\\d+', '1.20', true],
  ['[[:alpha:]_]+', 'ab_c', true],
  ['[^/]+/bar', 'foo/bar', true],
  ['[]a]+', 'a]a', true],
  ['[a-]+', 'a-a', true],
  ['\\Qa.b*\\E+', 'a.b**', true],
  ['\\Qa.b*\\Ec', 'a.b*c', true],
  ['.*\\bfoo\\b.*', 'a foo b', true],
  ['.*\\bfoo\\b.*', 'afoo b', false],
  ['\\pL+', 'äbc', true],
  ['\\p{Greek}', 'a', false],
  ['(?P<n>a)b', 'ab', true],
  ['.', '\n', false],
  ['(?s).', '\n', true],
  ['\\x41\\x{42}\\n', 'AB\n', true],
  ['a|', '', true],
];

test('a text matches as a whole, by the syntax of RE2', () => {
  for (const [pattern, text, expected] of MATCHES) {
    assert.equal(createRegex(pattern).matches(text), expected, `${pattern} ${JSON.stringify(text)}`);
  }
});

const WRONG: readonly string[] = [
  '(',
  ')',
  '[',
  '*a',
  'a**',
  '\\',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '\\1',
  '\\C',
  'a{1001}',
  'a{3,2}',
  '[b-a]',
  '[[:nope:]]',
  '\\pQ',
  '((a{500}){500}){500}',
  '('.repeat(300) + ')'.repeat(300),
];

test('what RE2 refuses is refused, and says why', () => {
  for (const pattern of WRONG) {
    assert.throws(() => createRegex(pattern), RegexSyntaxError, pattern.slice(0, 40));
  }
});

test('an escape that RE2 has not is quoted as it stands', () => {
  assert.throws(() => createRegex('/a\\1'), { message: `"\\1" is not of RE2's syntax` });
});

test('a pattern that explodes elsewhere stays linear', () => {
  const hostile = createRegex('(a+)+b|(a|aa)+c|(a?){40}a{40}d');
  const began = performance.now();
  assert.equal(hostile.matches('a'.repeat(60_000)), false);
  assert.ok(performance.now() - began < 2000);
});

const REPLACEMENTS: readonly [string, string, string, string][] = [
  ['^/old/(.*)$', '/new/\\1', '/old/Say', '/new/Say'],
  ['o', '0', 'foo', 'f00'],
  ['(a)(b)?', '[\\1\\2]', 'abaa', '[ab][a][a]'],
  ['x*', '-', 'ab', '-a-b-'],
  ['/v[0-9]+', '\\\\', '/v12/a', '\\/a'],
  ['(a+?)(a*)', '\\2|\\1', 'aaa', 'aa|a'],
];

test('every match is replaced, with its groups', () => {
  for (const [pattern, rewrite, text, expected] of REPLACEMENTS) {
    assert.equal(createRegex(pattern).replaceAll(text, rewrite), expected, pattern);
  }
});

test('agrees with the language of the platform on patterns both have', () => {
  const leaf = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'ab', '\\w', 'a?', 'b*', 'a+', '(?:ab)*', 'a{1,2}');
  const pattern = fc
    .array(
      fc.oneof(
        leaf,
        leaf.map((inner) => `(${inner}|b)`),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
  fc.assert(
    fc.property(pattern, text, (source, input) => {
      const ours = createRegex(source);
      assert.equal(ours.matches(input), new RegExp(`^(?:${source})$`).test(input));
      assert.equal(ours.replaceAll(input, '<\\0>'), replaceByPlatform(source, input));
    }),
    { seed: 7, numRuns: 400 },
  );
});

/** The platform finds an empty match right behind another one too, which RE2 does not. */
function replaceByPlatform(source: string, input: string): string {
  let lastEnd = -1;
  return input.replaceAll(new RegExp(source, 'g'), (found, ...rest: unknown[]) => {
    const at = rest.find((value) => typeof value === 'number') ?? 0;
    const counts = found !== '' || at !== lastEnd;
    lastEnd = at + found.length;
    return counts ? `<${found}>` : '';
  });
}
