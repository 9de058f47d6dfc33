import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { experimental } from '@grpc/grpc-js';

test('the installed grpc-js is of the minor version that this package is written for', () => {
  const path = createRequire(import.meta.url).resolve('@grpc/grpc-js/package.json');
  const version = /"version": "([^"]+)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  assert.match(
    version,
    /^1\.14\./,
    'a new minor may change the experimental interfaces; look over grpc-api.ts, then widen the peer range',
  );
});

/** With their numbers of parameters, which have changed between minor versions (1.10, 1.12, 1.13, 1.14). */
const USED: readonly [name: keyof typeof experimental, parameters: number][] = [
  ['LeafLoadBalancer', 4],
  ['QueuePicker', 2],
  ['UnavailablePicker', 1],
  ['createChildChannelControlHelper', 2],
  ['registerLoadBalancerType', 3],
  ['registerResolver', 2],
  ['statusOrFromError', 1],
  ['statusOrFromValue', 1],
  ['trace', 3],
];
for (const [name, parameters] of USED) {
  test(`experimental.${name} is as it was`, () => {
    const used: unknown = experimental[name];
    assert.ok(typeof used === 'function');
    assert.equal(used.length, parameters);
  });
}

test('attributes with this prefix stay out of connections', () => {
  assert.equal(experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX, 'grpc.internal.no_subchannel');
});
