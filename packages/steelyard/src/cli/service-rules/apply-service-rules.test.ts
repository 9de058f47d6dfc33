// The command as it runs on a node, in a network namespace that this test makes and that ends with it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMANDS, lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';

const RUNNER = fileURLToPath(new URL('./apply-runner.test-bed.js', import.meta.url));

for (const mode of ['iptables', 'nftables']) {
  test(`${mode}: answers probes, counts, follows the manifests, leaves the rules`, { skip: lacks() }, () => {
    const done = spawnSync(COMMANDS.unshare, ['-n', process.execPath, RUNNER, mode], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(done.status, 0, `${done.stderr}${done.stdout}`.slice(-3000));
  });
}
