import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { DEFAULT_LIMITS, LIMIT_RANGES } from '@steelyard/http2';
import { EXAMPLE, runCli } from '../cli.test-bed.ts';
import { connectionSettings, parseLimit } from './proxy-connection-options.ts';

describe('--limit', () => {
  test('sets one limit after the other', () => {
    const first = parseLimit('maxConcurrentStreams=200');
    assert.deepEqual(parseLimit('idleTimeoutMs=0', first), { maxConcurrentStreams: 200, idleTimeoutMs: 0 });
  });

  for (const [name, [least, most]] of Object.entries(LIMIT_RANGES)) {
    test(`${name}: from ${least} to ${most}`, () => {
      for (const value of [least, most]) assert.deepEqual(parseLimit(`${name}=${value}`), { [name]: value });
      for (const value of [least - 1, most + 1]) {
        assert.throws(() => parseLimit(`${name}=${value}`), {
          message: `${name} is a whole number from ${least} to ${most}.`,
        });
      }
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /NAME=VALUE/],
    ['200', /NAME=VALUE/],
    ['=200', /NAME=VALUE/],
    ['maxStreams=200', /no limit "maxStreams"; there are maxConcurrentStreams, /],
    ['toString=200', /no limit "toString"/],
    ['maxConcurrentStreams', /NAME=VALUE/],
    ['maxConcurrentStreams=', /whole number/],
    ['maxConcurrentStreams=1e3', /whole number/],
    ['maxConcurrentStreams=0x10', /whole number/],
    ['maxConcurrentStreams= 5', /whole number/],
    ['maxConcurrentStreams=5=6', /whole number/],
    ['resetBurst=7', /resetBurst is given twice/],
  ];
  for (const [text, message] of refused) {
    test(`"${text}" is refused`, () => {
      assert.throws(
        () => parseLimit(text, { resetBurst: 5 }),
        (error) => error instanceof InvalidArgumentError && message.test(error.message),
      );
    });
  }
});

test('the age and its grace', () => {
  assert.deepEqual(connectionSettings({ maxConnectionAge: 5000, maxConnectionAgeGrace: 0 }).maxAge, {
    ageMs: 5000,
    graceMs: 0,
  });
  assert.equal(connectionSettings({ limit: DEFAULT_LIMITS }).maxAge, undefined);
});

describe('refused on the command line', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--limit', 'maxStreams=1'], /--limit.*no limit "maxStreams"/],
    [['--max-connection-age', '0s'], /--max-connection-age.*at least 1s/],
    [['--max-connection-age-grace', '5s'], /--max-connection-age-grace: say with --max-connection-age/],
  ];
  for (const [args, message] of cases) {
    test(args.join(' '), async () => {
      const { code, stderr } = await runCli(['proxy', '-f', EXAMPLE, '--listen', '127.0.0.1:0', ...args]);
      assert.match(stderr, message);
      assert.equal(code, 2);
      assert.equal(stderr.trimEnd().split('\n').length, 1, 'one line');
    });
  }
});
