import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

test('the installed grpc-js is of the minor version that this package is written for', () => {
  const path = createRequire(import.meta.url).resolve('@grpc/grpc-js/package.json');
  const version = /"version": "([^"]+)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  assert.match(
    version,
    /^1\.14\./,
    'a new minor may change the experimental interfaces; look over grpc-api.ts, then widen the peer range',
  );
});
