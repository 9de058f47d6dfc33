import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compileNftables } from './compile-nftables.ts';
import type { RunTool } from '../apply/kernel-tool.ts';
import { ApplyError } from '../apply/kernel-tool.ts';
import { createNftablesApplier } from './nftables-applier.ts';
import type { KubeObject } from '../compile/random-objects.test-bed.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import type { RuleSet } from '../compile/rule-set.ts';

function rules(...names: readonly string[]): RuleSet {
  const objects = names.flatMap((name, index): KubeObject[] => {
    const metadata = { name, namespace: 'ns', labels: { 'kubernetes.io/service-name': name } };
    const spec = { clusterIP: `172.30.0.${index + 1}`, ports: [{ name: 'p', port: 80 }] };
    const ports = [{ name: 'p', port: 8080 }];
    const endpoints = [{ addresses: [`10.0.0.${index + 1}`] }];
    return [
      { apiVersion: 'v1', kind: 'Service', metadata, spec },
      { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports, endpoints },
    ];
  });
  return compileNftables(snapshotOf(objects), { family: 'IPv4' });
}

/** nft as a notebook: what was asked of it, and what it answers next. */
function notebook(): { readonly scripts: string[]; readonly run: RunTool; code: number } {
  const scripts: string[] = [];
  const book = {
    scripts,
    code: 0,
    run: (_: string, args: readonly string[], input = '') => {
      scripts.push(input === '' ? args.join(' ') : input);
      return Promise.resolve({ code: book.code, stdout: '@service-ips', stderr: 'no' });
    },
  };
  return book;
}

suite('createNftablesApplier', () => {
  test('the first sync replaces the table, the next ones write what changed', async () => {
    const nft = notebook();
    const applier = createNftablesApplier('IPv4', { run: nft.run, now: () => 0 });
    await applier.apply(rules('a', 'b'));
    assert.match(nft.scripts[0] ?? '', /^add table ip kube-proxy\ndelete table ip kube-proxy\n/);
    assert.equal((await applier.apply(rules('a', 'b'))).changed, false);
    assert.equal(nft.scripts.length, 1);

    await applier.apply(rules('a'));
    const [, change = ''] = nft.scripts;
    assert.match(change, /^flush chain ip kube-proxy service-[A-Z2-7]{8}-ns\/b\/tcp\/p$/m);
    assert.match(change, /^delete element ip kube-proxy service-ips \{ 172\.30\.0\.2 \. tcp \. 80 \}$/m);
    assert.doesNotMatch(change, /ns\/a\/|delete chain|delete table/);
  });

  test('emptied chains are deleted a second later, not before', async () => {
    const nft = notebook();
    let now = 0;
    const applier = createNftablesApplier('IPv4', { run: nft.run, now: () => now });
    await applier.apply(rules('a', 'b'));
    await applier.apply(rules('a'));
    now = 999;
    await applier.isIntact();
    assert.doesNotMatch(nft.scripts.join('\n'), /delete chain/);
    now = 1000;
    await applier.isIntact();
    await applier.isIntact();
    assert.equal(nft.scripts.join('\n').match(/delete chain ip kube-proxy service-\S+-ns\/b\//g)?.length, 1);
  });

  test('a chain that comes back is not deleted', async () => {
    const nft = notebook();
    let now = 0;
    const applier = createNftablesApplier('IPv4', { run: nft.run, now: () => now });
    for (const names of [['a', 'b'], ['a'], ['a', 'b']]) await applier.apply(rules(...names));
    now = 5000;
    await applier.isIntact();
    assert.doesNotMatch(nft.scripts.join('\n'), /delete chain/);
  });

  test('after a refusal everything is written', async () => {
    const nft = notebook();
    const applier = createNftablesApplier('IPv4', { run: nft.run, now: () => 0 });
    await applier.apply(rules('a'));
    nft.code = 1;
    await assert.rejects(
      applier.apply(rules('a', 'b')),
      (error) => error instanceof ApplyError && /nft -f - failed: no/.test(error.message),
    );
    nft.code = 0;
    await applier.apply(rules('a', 'b'));
    assert.match(nft.scripts.at(-1) ?? '', /delete table ip kube-proxy/);
  });
});
