// Real rules in real network namespaces, which this test makes for itself and which end with it: what the kernel holds
// after `apply` is what was compiled, every connection lands as the tracer says, and cleanup leaves nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMANDS, lacks } from './kernel-commands.test-bed.ts';

const RUNNER = fileURLToPath(new URL('./kernel-runner.test-bed.js', import.meta.url));

function inNamespace(job: string): void {
  const done = spawnSync(COMMANDS.unshare, ['-n', process.execPath, RUNNER, job], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(done.status, 0, `${done.stderr}${done.stdout}`.slice(-3000));
}

suite("the kernel's own rules", { skip: lacks() }, () => {
  for (const mode of ['iptables', 'nftables'] as const) {
    for (const job of ['apply', 'connect', 'fates'] as const) {
      test(`${mode}: ${job}`, () => inNamespace(`${mode}-${job}`));
    }
    test(`${mode}: more clients with affinity than xt_recent keeps`, { skip: lacks('ipset') }, () =>
      inNamespace(`${mode}-affinity`),
    );
    test(`${mode}: connections to a pod that is gone`, { skip: lacks('conntrack') }, () => inNamespace(`${mode}-end`));
  }
});
