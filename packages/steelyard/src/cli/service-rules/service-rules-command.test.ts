import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXAMPLE, runCli } from '../cli.test-bed.ts';

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

test('what goes with --apply only is refused without it', async () => {
  for (const option of [
    ['--admin', '127.0.0.1:0'],
    ['--end-tcp-after', '30s'],
  ]) {
    const { code, stderr } = await runCli(['service-rules', '-f', EXAMPLE, ...option]);
    assert.equal(code, 2);
    assert.equal(stderr, `error: ${option[0]} goes with --apply, without --once\n`);
  }
});

test('--affinity-sets names sets instead of lists', async () => {
  const affinity = `apiVersion: v1
kind: Service
metadata: { name: backend, labels: {} }
spec: { clusterIP: 10.97.211.12, sessionAffinity: ClientIP, ports: [{ name: grpc, port: 8000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: backend-1, labels: { kubernetes.io/service-name: backend } }
addressType: IPv4
ports: [{ name: grpc, port: 8000 }]
endpoints: [{ addresses: [10.80.128.247] }]
`;
  const lists = await runCli(['service-rules', '-f', '-'], affinity);
  assert.match(lists.stdout, /-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-/);
  const sets = await runCli(['service-rules', '-f', '-', '--affinity-sets'], affinity);
  assert.match(sets.stdout, /-m set --match-set KUBE-AFF4-[A-Z2-7]{16} src -j KUBE-SEP-/);
  assert.match(sets.stdout, /-j SET --add-set KUBE-AFF4-[A-Z2-7]{16} src --exist/);
  assert.doesNotMatch(sets.stdout, /recent/);
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
