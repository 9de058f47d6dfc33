import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from './log.ts';
import { createWorkerLog, writeWorkerLog } from './worker-log.ts';

test('what a process says is written elsewhere as if it had been said there', () => {
  const written: unknown[] = [];
  const logOf = (component: string): Logger => {
    const at =
      (level: string) =>
      (message: string, fields?: object): void =>
        void written.push([component, level, message, fields]);
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      forComponent: (name) => logOf(`${component}/${name}`),
    };
  };
  const worker = createWorkerLog((message) => writeWorkerLog(logOf('main'), structuredClone(message), { worker: 2 }));
  worker.info('up');
  worker.forComponent('a').forComponent('b').error('lost', { pod: 'x' });
  assert.deepEqual(written, [
    ['main', 'info', 'up', { worker: 2 }],
    ['main/a.b', 'error', 'lost', { pod: 'x', worker: 2 }],
  ]);
});
