import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Server } from '@grpc/grpc-js';
import { POLICY_NAMES } from './balance/policy-config.ts';
import { METRICS } from './metrics/metric-names.ts';
import { startDemoServer } from './test-pods.test-bed.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const GUIDE = 'docs/grpc-js.md';
const README = 'packages/grpc-js/README.md';

const PROTO = `syntax = "proto3";
package demo;
service Backend { rpc WhoAreYou (Question) returns (Answer); }
message Question {}
message Answer { string name = 1; }
`;

suite('examples of the documentation', () => {
  let server: Server | undefined;
  // Where the packages that the examples import can be found; not in dist, which the test of what is packed looks at meanwhile.
  const folder = mkdtempSync(join(root, 'node_modules', '.example-'));
  let port = 0;

  before(async () => {
    ({ server, port } = await startDemoServer('pod', '127.0.0.1:0'));
    writeFileSync(join(folder, 'backend.proto'), PROTO);
  });
  after(() => {
    server?.forceShutdown();
    rmSync(folder, { recursive: true });
  });

  const examples: readonly { file: string; prints: RegExp }[] = [
    { file: GUIDE, prints: /"policy": "steelyard_least_request"[^]*"calls": 30,/ },
    { file: GUIDE, prints: /^answered by pod\n$/ },
    { file: README, prints: /^connected\n$/ },
  ];
  const taken = new Map<string, number>();
  for (const { file, prints } of examples) {
    const index = taken.get(file) ?? 0;
    taken.set(file, index + 1);
    test(`${file}, example ${index + 1}`, async () => {
      const code = blocksOf(file)[index];
      assert.ok(code !== undefined);
      writeFileSync(join(folder, 'example.mjs'), code);
      const env = { ...process.env, BACKEND_ADDR: `127.0.0.1:${port}`, NODE_TEST_CONTEXT: '' };
      const printed = await new Promise<string>((done, reject) => {
        const options = { cwd: folder, env, timeout: 20_000 };
        execFile(process.execPath, ['example.mjs'], options, (error, stdout, stderr) => {
          if (error === null) done(stdout);
          else reject(new Error(`${error.message.slice(0, 200)} ${stderr.slice(0, 500)}`));
        });
      });
      assert.match(printed.slice(0, 2000), prints);
    });
  }

  test('every example is run, every policy is in the guide', () => {
    for (const file of [GUIDE, README]) assert.equal(blocksOf(file).length, taken.get(file), file);
    const guide = readFileSync(join(root, GUIDE), 'utf8');
    for (const name of POLICY_NAMES) assert.ok(guide.includes(`\`${name.replace('steelyard_', '')}\``), name);
  });
});

function blocksOf(file: string): string[] {
  return [...readFileSync(join(root, file), 'utf8').matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code = '']) => code);
}

test('the metrics of the guide are those there are', () => {
  const guide = readFileSync(join(root, GUIDE), 'utf8');
  const rows = [...guide.matchAll(/^\| `((?:grpc|steelyard)\.[a-z_.]+)` +\| (.+?) +\| `(.+?)` +\| (.+?) +\|$/gm)];
  const metrics = Object.entries(METRICS).map(([name, fields]) => [name, ...fields]);
  assert.deepEqual(
    rows.map(([, ...cells]) => cells),
    metrics,
  );
});
