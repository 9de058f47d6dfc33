import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createField } from './field.ts';
import { type BlockRole, HeaderBlock } from './header-block.ts';

type Pair = readonly [name: string, value: string];

function problemOf(role: BlockRole, fields: readonly Pair[]): string | undefined {
  const block = new HeaderBlock(65_536, 1000);
  block.begin(role);
  for (const [name, value] of fields) block.add(createField(name, value));
  block.finish();
  return block.problem;
}

const post: readonly Pair[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a.B/C'],
  [':authority', 'backend'],
];

// RFC 9113 §8.2, §8.3
const cases: readonly (readonly [role: BlockRole, fields: readonly Pair[], problem: RegExp | undefined])[] = [
  ['request', post, undefined],
  ['request', [...post, ['te', 'trailers'], ['x-any', 'a b\tc']], undefined],
  ['request', [...post, ['host', 'backend']], undefined],
  ['request', [...post, ['host', 'other']], /host and :authority differ/],
  ['request', [...post, ['host', 'backend'], ['host', 'backend']], /host twice/],
  ['request', [...post, ['te', 'gzip']], /te may only/],
  ['request', [...post, ['connection', 'close']], /connection does not belong/],
  ['request', [...post, ['transfer-encoding', 'chunked']], /transfer-encoding/],
  ['request', [...post, ['X-Upper', 'a']], /no lower-case field name/],
  ['request', [...post, ['', 'a']], /no lower-case field name/],
  ['request', [...post, ['a:b', 'a']], /no lower-case field name/],
  ['request', [...post, ['x-a', ' leading']], /blank at an end/],
  ['request', [...post, ['x-a', 'trailing\t']], /blank at an end/],
  ['request', [...post, ['x-a', 'a\nb']], /forbidden octet/],
  ['request', [...post, ['x-a', 'a\0b']], /forbidden octet/],
  ['request', [...post, ['x-a', '']], undefined],
  ['request', [['x-a', 'b'], ...post], /after a regular field/],
  ['request', [...post, [':path', '/']], /:path twice/],
  ['request', post.slice(1), /no :method/],
  ['request', post.filter(([name]) => name !== ':scheme'), /no :scheme/],
  ['request', post.filter(([name]) => name !== ':path'), /no :path/],
  ['request', post.map(([name, value]): Pair => (name === ':path' ? [name, ''] : [name, value])), /no :path/],
  ['request', [...post, [':status', '200']], /:status in a request/],
  ['request', [...post, [':protocol', 'websocket']], /not a pseudo-header field/],
  [
    'request',
    [
      [':method', 'CONNECT'],
      [':authority', 'a:1'],
    ],
    /CONNECT is not offered/,
  ],
  ['request', [...post, ['content-length', '5'], ['content-length', '5']], undefined],
  ['request', [...post, ['content-length', '5'], ['content-length', '6']], /two different/],
  ['request', [...post, ['content-length', '-1']], /no number/],
  ['request', [...post, ['content-length', '']], /no number/],
  ['response', [[':status', '200']], undefined],
  ['response', [[':status', '299']], undefined],
  ['response', [['x-a', 'b']], /no :status/],
  ['response', [[':status', '20']], /three-digit/],
  ['response', [[':status', '2x0']], /three-digit/],
  ['response', [[':status', '101']], /101/],
  [
    'response',
    [
      [':status', '200'],
      [':path', '/'],
    ],
    /:path in a response/,
  ],
  ['trailers', [['grpc-status', '0']], undefined],
  ['trailers', [[':status', '200']], /:status in trailers/],
  ['trailers', [], undefined],
];

test('which header blocks are malformed, and why', () => {
  for (const [role, fields, expected] of cases) {
    const problem = problemOf(role, fields);
    const said = `${role} ${JSON.stringify(fields)}: ${problem}`;
    if (expected === undefined) assert.equal(problem, undefined, said);
    else assert.match(problem ?? '', expected, said);
  }
});

test('grpc-message is mended, since senders are known to get it wrong', () => {
  const block = new HeaderBlock(65_536, 1000);
  block.begin('trailers');
  block.add(createField('grpc-message', ' a\nb '));
  assert.equal(block.problem, undefined);
  assert.equal(block.fields[0]?.text, '%20a%0Ab%20');
});

test('a list above the limit is cut, and says so', () => {
  const block = new HeaderBlock(100, 1000);
  block.begin('trailers');
  for (let i = 0; i < 10; i++) block.add(createField('x', 'y'));
  assert.equal(block.tooLarge, true);
  assert.equal(block.count, 2);
  assert.equal(block.size, 340);
});
