// RFC 9113 §8: what makes a message malformed, in either role. A malformed message is a stream error, and goes no further.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALL,
  ConnectionSubject,
  FLAG,
  FRAME,
  literalBlock,
  rawFrame,
  request,
  RESPONSE,
  TRAILERS,
} from '@steelyard/testkit';
import { createField } from './hpack/field.ts';
import { HeaderBlock } from './hpack/header-block.ts';

const { DATA, HEADERS } = FRAME;
const { END_HEADERS, END_STREAM } = FLAG;

type Pair = readonly [name: string, value: string];

const post: readonly Pair[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a.B/C'],
  [':authority', 'backend:8000'],
];
const ok: readonly Pair[] = [[':status', '200']];

function without(name: string): Pair[] {
  return post.filter(([each]) => each !== name);
}

/** §8.2.1, §8.2.2: of requests, responses and trailers alike. */
const anywhere: readonly (readonly [why: string, field: Pair])[] = [
  ['an upper-case name', ['X-Upper', 'a']],
  ['an empty name', ['', 'a']],
  ['a blank in a name', ['x y', 'a']],
  ['a control character in a name', ['x\u0001', 'a']],
  ['DEL in a name', ['x\u007f', 'a']],
  ['an octet above 0x7f in a name', ['x\u00e9', 'a']],
  ['a colon inside a name', ['x:y', 'a']],
  ['NUL in a value', ['x', 'a\0b']],
  ['CR in a value', ['x', 'a\rb']],
  ['LF in a value', ['x', 'a\nb']],
  ['a request smuggled in a value', ['x', 'a\r\n\r\nGET /admin HTTP/1.1']],
  ['a blank before a value', ['x', ' a']],
  ['a tab after a value', ['x', 'a\t']],
  ['connection', ['connection', 'keep-alive']],
  ['proxy-connection', ['proxy-connection', 'keep-alive']],
  ['keep-alive', ['keep-alive', 'timeout=5']],
  ['transfer-encoding', ['transfer-encoding', 'chunked']],
  ['upgrade', ['upgrade', 'h2c']],
  ['te with more than trailers', ['te', 'trailers, deflate']],
  ['te: gzip', ['te', 'gzip']],
  ['a pseudo-header field after regular ones', [':path', '/']],
  ['a pseudo-header field of nobody', [':version', 'HTTP/2']],
];

const requests: readonly (readonly [why: string, fields: readonly Pair[]])[] = [
  ['no :method', without(':method')],
  ['no :scheme', without(':scheme')],
  ['no :path', without(':path')],
  ['an empty :path', [...without(':path'), [':path', '']]],
  [':path without a slash', [...without(':path'), [':path', 'a.B/C']]],
  ['a whole URI as :path', [...without(':path'), [':path', 'http://backend/a.B/C']]],
  ['* without OPTIONS', [...without(':path'), [':path', '*']]],
  ['a request smuggled in :path', [...without(':path'), [':path', '/a.B/C HTTP/1.1']]],
  ['a tab in :path', [...without(':path'), [':path', '/a.B\t/C']]],
  ['a blank in :method', [[':method', 'GET /admin'], ...without(':method')]],
  [':method that is no token', [[':method', 'G(T'], ...without(':method')]],
  ['a blank in :authority', [...without(':authority'), [':authority', 'backend other']]],
  ['a blank in :scheme', [...without(':scheme'), [':scheme', 'http x']]],
  [':scheme that is none', [...without(':scheme'), [':scheme', '1http']]],
  [':method twice', [[':method', 'POST'], ...post]],
  [':authority twice', [[':authority', 'backend:8000'], ...post]],
  [':status in a request', [[':status', '200'], ...post]],
  ['host and :authority of different names', [...post, ['host', 'other:8000']]],
  ['host and :authority of different ports', [...post, ['host', 'backend:8001']]],
  ['host twice', [...post, ['host', 'backend:8000'], ['host', 'backend:8000']]],
  ['userinfo in :authority (§8.3.1)', [...without(':authority'), [':authority', 'user:secret@backend:8000']]],
  ['content-length that is no number', [...post, ['content-length', '1e3']]],
  ['content-length twice, differing', [...post, ['content-length', '1'], ['content-length', '2']]],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'backend:8000'],
    ],
  ],
];

const legal: readonly (readonly [why: string, fields: readonly Pair[]])[] = [
  [
    'OPTIONS *',
    [[':method', 'OPTIONS'], ...post.filter(([name]) => name !== ':method' && name !== ':path'), [':path', '*']],
  ],
  ['a method of its own', [[':method', 'M-SEARCH'], ...without(':method')]],
  ['a scheme of its own', [...without(':scheme'), [':scheme', 'web+grpc']]],
  ['a path of any octets above blank', [...without(':path'), [':path', '/a.B/C?d=%20|{\u00e9}']]],
  ['te: trailers', [...post, ['te', 'trailers']]],
  ['te: trailers in any case (RFC 9110 §10.1.4)', [...post, ['te', 'Trailers']]],
  ['a value with blanks inside and octets above 0x7f', [...post, ['x', 'a b\tc\u00e9']]],
  ['an empty value', [...post, ['x', '']]],
  ['host instead of :authority', [...without(':authority'), ['host', 'backend:8000']]],
  ['host and :authority alike', [...post, ['host', 'backend:8000']]],
  ['host and :authority that differ in case (RFC 3986 §6.2.2)', [...post, ['host', 'Backend:8000']]],
  [
    'host without the port that the scheme has anyway (RFC 3986 §6.2.3)',
    [...without(':authority'), [':authority', 'backend:80'], ['host', 'backend']],
  ],
];

describe('a server resets what is malformed, and hands nothing of it on', () => {
  const cases = [...requests, ...anywhere.map(([why, field]) => [why, [...post, field]] as const)];
  for (const [why, fields] of cases) {
    test(why, () => {
      const server = new ConnectionSubject('server');
      server.receive(rawFrame(HEADERS, END_HEADERS, 1, literalBlock(fields)));
      assert.deepEqual(server.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
      assert.deepEqual(server.told, ['settings']);
      server.receive(request(3, END_STREAM));
      assert.match(server.told.at(-1) ?? '', /^headers 3 /);
    });
  }

  for (const [why, octets] of [
    ['a path without a slash', [0x81, 0x1f]],
    ['a blank in a path', [0x83, 0x61, 0x41, 0xff]],
  ] as const) {
    test(`${why}, Huffman-coded`, () => {
      const server = new ConnectionSubject('server');
      server.receive(rawFrame(HEADERS, END_HEADERS, 1, [...literalBlock(without(':path')), 0x04, ...octets]));
      assert.deepEqual(server.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
    });
  }

  for (const [why, field] of anywhere) {
    test(`${why}, in trailers`, () => {
      const server = new ConnectionSubject('server');
      server.receive(request(1), rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock([['x', 'y'], field])));
      assert.deepEqual(server.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
      assert.equal(server.told.at(-1), 'reset 1 PROTOCOL_ERROR malformed');
    });
  }

  for (const [why, fields] of legal) {
    test(`but takes ${why}`, () => {
      const server = new ConnectionSubject('server');
      server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock(fields)));
      assert.deepEqual(server.said(), []);
      assert.match(server.told.at(-1) ?? '', /^headers 1 /);
    });
  }
});

describe('a client resets what is malformed, and hands nothing of it on', () => {
  const responses: readonly (readonly [why: string, fields: readonly Pair[]])[] = [
    ['no :status', [['x', 'y']]],
    [
      ':status twice',
      [
        [':status', '200'],
        [':status', '200'],
      ],
    ],
    [':status of four digits', [[':status', '2000']]],
    [':status of letters', [[':status', 'two']]],
    [':status 101 (§8.6)', [[':status', '101']]],
    [
      ':path in a response',
      [
        [':status', '200'],
        [':path', '/'],
      ],
    ],
    ...anywhere.map(([why, field]) => [why, [...ok, field]] as const),
  ];
  function calling(): ConnectionSubject {
    const client = new ConnectionSubject('client');
    client.streams.set(1, client.connection.request(CALL, true, 'context'));
    client.raw();
    return client;
  }

  for (const [why, fields] of responses) {
    test(why, () => {
      const client = calling();
      client.receive(rawFrame(HEADERS, END_HEADERS, 1, literalBlock(fields)));
      assert.deepEqual(client.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
      assert.deepEqual(client.told, ['settings', 'reset 1 PROTOCOL_ERROR malformed']);
      assert.equal(client.connection.canOpen, true);
    });
  }

  for (const [why, field] of anywhere) {
    test(`${why}, in trailers`, () => {
      const client = calling();
      client.receive(
        rawFrame(HEADERS, END_HEADERS, 1, literalBlock(ok)),
        rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock([['grpc-status', '0'], field])),
      );
      assert.equal(client.told.at(-1), 'reset 1 PROTOCOL_ERROR malformed');
    });
  }
});

describe('content-length is the sum of DATA without padding (§8.1.1)', () => {
  const cases: readonly (readonly [why: string, length: string, frames: readonly Uint8Array[], fits: boolean])[] = [
    ['all of it', '3', [rawFrame(DATA, END_STREAM, 1, [1, 2, 3])], true],
    ['in two frames, padded', '3', [rawFrame(DATA, 8, 1, [2, 1, 0, 0]), rawFrame(DATA, 1, 1, [2, 3])], true],
    ['too little', '3', [rawFrame(DATA, END_STREAM, 1, [1, 2])], false],
    ['padding does not count', '3', [rawFrame(DATA, 9, 1, [1, 1, 2, 0])], false],
    ['too much, before the end', '3', [rawFrame(DATA, 0, 1, [1, 2, 3, 4])], false],
    ['too little before trailers', '3', [rawFrame(DATA, 0, 1, [1]), rawFrame(HEADERS, 5, 1, [0, 1, 120, 0])], false],
    ['enough before trailers', '1', [rawFrame(DATA, 0, 1, [1]), rawFrame(HEADERS, 5, 1, [0, 1, 120, 0])], true],
    ['nothing of something', '3', [rawFrame(DATA, END_STREAM, 1)], false],
    ['nothing of nothing', '0', [rawFrame(DATA, END_STREAM, 1)], true],
  ];
  for (const role of ['server', 'client'] as const) {
    for (const [why, length, frames, fits] of cases) {
      test(`${role}: ${why}`, () => {
        const subject = new ConnectionSubject(role);
        if (role === 'client') subject.streams.set(1, subject.connection.request(CALL, true, 'context'));
        const header = role === 'server' ? post : ok;
        subject.receive(rawFrame(HEADERS, END_HEADERS, 1, literalBlock([...header, ['content-length', length]])));
        subject.receive(...frames);
        const last = subject.told.at(-1) ?? '';
        if (fits) assert.match(last, /^(?:data 1 .*end|trailers 1)/);
        else assert.equal(last, 'reset 1 PROTOCOL_ERROR malformed');
      });
    }
  }

  test('a request that ends with its header and promises content', () => {
    const server = new ConnectionSubject('server');
    server.receive(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock([...post, ['content-length', '3']])));
    assert.deepEqual(server.said(), ['RST_STREAM 1 PROTOCOL_ERROR']);
  });
});

describe('responses that have no content (RFC 9110 §6.4.1), and those that only say they have', () => {
  const some = rawFrame(DATA, END_STREAM, 1, [1, 2, 3]);
  const none = rawFrame(DATA, END_STREAM, 1);
  const trailers = rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, TRAILERS);
  const lines: readonly (readonly [
    method: string,
    status: string,
    length: string | undefined,
    rest: Uint8Array | undefined,
    legal: boolean,
  ])[] = [
    ['GET', '200', '3', undefined, false],
    ['GET', '200', '0', undefined, true],
    ['GET', '200', undefined, undefined, true],
    ['GET', '404', '3', undefined, false],
    ['POST', '200', '3', undefined, false],
    ['HEAD', '200', '3', undefined, true],
    ['HEAD', '200', '3', none, true],
    ['HEAD', '200', '3', trailers, true],
    ['HEAD', '200', '3', some, false],
    ['HEAD', '200', undefined, some, false],
    ['GET', '204', undefined, undefined, true],
    ['GET', '204', undefined, none, true],
    ['GET', '204', undefined, some, false],
    ['GET', '304', '3', undefined, true],
    ['GET', '304', '3', none, true],
    ['GET', '304', '3', some, false],
    ['GET', '205', '3', some, true],
  ];
  for (const [method, status, length, rest, isLegal] of lines) {
    const octets = (rest?.length ?? 0) - 9;
    const how = rest === undefined ? 'no DATA' : rest === trailers ? 'trailers' : `DATA of ${octets}`;
    test(`${method} ${status}, content-length ${length ?? 'absent'}, ${how}: ${isLegal ? 'goes on' : 'is reset'}`, () => {
      const client = new ConnectionSubject('client');
      const fields = [createField(':scheme', 'http'), createField(':method', method), createField(':path', '/')];
      client.streams.set(1, client.connection.request(HeaderBlock.of(fields), true, 'context'));
      const block = literalBlock([
        [':status', status],
        ...(length === undefined ? [] : [['content-length', length] as const]),
      ]);
      client.receive(rawFrame(HEADERS, END_HEADERS | (rest === undefined ? END_STREAM : 0), 1, block));
      if (rest !== undefined) client.receive(rest);
      const last = client.told.at(-1) ?? '';
      if (isLegal) assert.match(last, rest === trailers ? /^trailers 1/ : / end$|data 1 3/);
      else assert.equal(last, 'reset 1 PROTOCOL_ERROR malformed');
    });
  }

  test('what a 1xx response says of its length is not about the final one', () => {
    const client = new ConnectionSubject('client');
    client.streams.set(1, client.connection.request(CALL, true, 'context'));
    client.receive(
      rawFrame(
        HEADERS,
        END_HEADERS,
        1,
        literalBlock([
          [':status', '103'],
          ['content-length', '7'],
        ]),
      ),
      rawFrame(HEADERS, END_HEADERS, 1, RESPONSE),
      some,
    );
    assert.equal(client.told.at(-1), 'data 1 3 end');
  });
});

describe('1xx responses (§8.1)', () => {
  const early = (flags = 0): Uint8Array =>
    rawFrame(HEADERS, END_HEADERS | flags, 1, literalBlock([[':status', '103']]));
  const final = rawFrame(HEADERS, END_HEADERS, 1, literalBlock(ok));
  const cases: readonly (readonly [why: string, frames: readonly Uint8Array[], last: RegExp])[] = [
    ['several, then the final one', [early(), early(), final], /^headers 1 :status=200$/],
    ['one that ends the stream', [early(END_STREAM)], /^reset 1 PROTOCOL_ERROR/],
    ['DATA before the final one', [early(), rawFrame(DATA, 0, 1, [1])], /^reset 1 PROTOCOL_ERROR/],
    ['one after the final one', [final, early()], /^reset 1 PROTOCOL_ERROR/],
    ['one that ends the stream after the final one', [final, early(END_STREAM)], /^reset 1 PROTOCOL_ERROR/],
  ];
  for (const [why, frames, last] of cases) {
    test(why, () => {
      const client = new ConnectionSubject('client');
      client.streams.set(1, client.connection.request(CALL, true, 'context'));
      client.receive(...frames);
      assert.match(client.told.at(-1) ?? '', last);
    });
  }
});
