// What becomes of real packets between a client, a node and its pods, each in a namespace of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMANDS, lacks } from '../apply/kernel-commands.test-bed.ts';

const RUNNER = fileURLToPath(new URL('./runner.test-bed.js', import.meta.url));

suite('packets between a client, a node and its pods', { skip: lacks('conntrack') }, () => {
  for (const mode of ['iptables', 'nftables']) {
    test(mode, () => {
      const args = ['--net', '--mount', '--propagation', 'private', process.execPath, RUNNER, mode];
      const done = spawnSync(COMMANDS.unshare, args, { encoding: 'utf8', timeout: 120_000 });
      assert.equal(done.status, 0, `${done.stderr}${done.stdout}`.slice(-3000));
      assert.match(done.stdout, /^\d\d cases\n$/);
    });
  }
});
