import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXAMPLE, runCli } from './cli-fixture.test.ts';

test('prints the four chains of the example and nothing else on stderr', async () => {
  const { code, stdout, stderr } = await runCli(['service-rules', '--mode', 'iptables', '--print', '-f', EXAMPLE]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  for (const chain of [
    'KUBE-SVC-EHPSUHUW2JIVMPQD',
    'KUBE-SEP-MPFDKKCFY2PBGU4S',
    'KUBE-SEP-LMG22MVGXQA364F6',
    'KUBE-SEP-EX64MF3TTLO7J5EC',
  ]) {
    assert.match(stdout, new RegExp(`^-A ${chain} `, 'm'));
  }
});

test('-o json has every chain and rule', async () => {
  const { stdout } = await runCli(['service-rules', '-f', EXAMPLE, '-o', 'json']);
  const { family, tables } = JSON.parse(stdout);
  assert.equal(family, 'IPv4');
  const nat = tables.find((table: { name: string }) => table.name === 'nat');
  const service = nat.chains.find((chain: { name: string }) => chain.name === 'KUBE-SVC-EHPSUHUW2JIVMPQD');
  assert.equal(service.rules.length, 3);
});

test('help and version read well and exit with 0', async () => {
  const help = await runCli(['--help']);
  assert.equal(help.code, 0);
  for (const command of ['lab', 'proxy', 'dns', 'service-rules', 'version'])
    assert.match(help.stdout, new RegExp(`^  ${command}\\b`, 'm'));
  for (const args of [['version'], ['--version']]) {
    const { code, stdout } = await runCli(args);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  }
});

test('no command at all shows the help as wrong usage', async () => {
  const { code, stdout, stderr } = await runCli([]);
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^Usage: steelyard /);
});
