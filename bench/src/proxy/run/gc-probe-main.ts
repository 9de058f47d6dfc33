/**
 * Loaded into our proxy with `--import` while latency is measured: appends each pause of the garbage collector to a file, as
 * start in ms of the epoch and length in ms.
 */
import { appendFileSync } from 'node:fs';
import { performance, PerformanceObserver } from 'node:perf_hooks';

const file = new URL(import.meta.url).searchParams.get('file');
if (file !== null) {
  new PerformanceObserver((list) => {
    const lines = list
      .getEntries()
      .map(({ startTime, duration }) => `${performance.timeOrigin + startTime} ${duration}\n`);
    appendFileSync(file, lines.join(''));
  }).observe({ entryTypes: ['gc'] });
}
