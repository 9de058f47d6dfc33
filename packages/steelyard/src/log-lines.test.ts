import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger, LogLevel } from './log.ts';
import type { LogFormat } from './log-lines.ts';
import { createLogger } from './log-lines.ts';

function linesOf(level: LogLevel, format: LogFormat, speak: (log: Logger) => void): string[] {
  const lines: string[] = [];
  speak(createLogger({ level, format, write: (line) => lines.push(line), now: () => 0 }));
  return lines;
}

const sayAll = (log: Logger): void => {
  log.debug('d');
  log.info('i');
  log.warn('w');
  log.error('e');
};

for (const [level, expected] of [
  ['debug', ['debug: d', 'info: i', 'warn: w', 'error: e']],
  ['info', ['info: i', 'warn: w', 'error: e']],
  ['warn', ['warn: w', 'error: e']],
  ['error', ['error: e']],
] as const) {
  test(`level ${level} drops what is below it`, () => {
    assert.deepEqual(linesOf(level, 'text', sayAll), expected);
  });
}

const cases: readonly [string, (log: Logger) => void, string, Record<string, unknown>][] = [
  ['a bare sentence', (log) => log.info('up'), 'info: up', { level: 'info', message: 'up' }],
  [
    'fields, quoted only where a reader would stumble',
    (log) => log.info('up', { port: 8000, host: 'a.b', note: 'two words', list: ['x'] }),
    'info: up port=8000 host=a.b note="two words" list=["x"]',
    { level: 'info', message: 'up', port: 8000, host: 'a.b', note: 'two words', list: ['x'] },
  ],
  [
    'nested components',
    (log) => log.forComponent('proxy').forComponent('upstream').warn('gone'),
    'warn: proxy.upstream: gone',
    { level: 'warn', component: 'proxy.upstream', message: 'gone' },
  ],
  [
    'errors, big integers, maps and absent values',
    (log) => log.error('no', { cause: new Error('why'), n: 5n, map: new Map([['k', 1]]), none: undefined }),
    'error: no cause=why n=5 map={"k":1} none=undefined',
    { level: 'error', message: 'no', cause: 'why', n: '5', map: { k: 1 } },
  ],
  [
    'line feeds from a peer stay inside the line',
    (log) => log.info('a\nb', { c: 'd\ne' }),
    'info: a b c="d\\ne"',
    { level: 'info', message: 'a\nb', c: 'd\ne' },
  ],
];

for (const [name, speak, text, json] of cases) {
  test(`a line with ${name}`, () => {
    assert.deepEqual(linesOf('debug', 'text', speak), [text]);
    const [line = ''] = linesOf('debug', 'json', speak);
    assert.deepEqual(JSON.parse(line), { time: '1970-01-01T00:00:00.000Z', ...json });
  });
}

test('a field cannot pass itself off as the level', () => {
  const [line = ''] = linesOf('info', 'json', (log) => log.info('m', { level: 'error', message: 'x' }));
  assert.deepEqual(JSON.parse(line), { time: '1970-01-01T00:00:00.000Z', level: 'info', message: 'm' });
});
