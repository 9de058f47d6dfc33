// The commands that stay: ready line, service, change of manifests, end.
import assert from 'node:assert/strict';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXAMPLE, folderWith, startCli } from './cli.test-bed.ts';

test('proxy: says where it listens, and SIGTERM ends it with 0', async (t) => {
  const proxy = startCli(t, ['proxy', '-f', EXAMPLE, '--listen', '127.0.0.1:0', '--service', 'backend.default:8000']);
  await proxy.said(/^steelyard proxy listens on 127\.0\.0\.1:\d+: 2 Services, 3 endpoints\n/m);
  proxy.child.kill('SIGTERM');
  assert.equal((await proxy.ended).code, 0);
});

test('proxy: starts beside a broken document, and says which', async (t) => {
  const folder = await folderWith(t, { 'broken.yaml': 'a: [1\n' });
  const proxy = startCli(t, ['proxy', '-f', EXAMPLE, '-f', folder, '--listen', '127.0.0.1:0']);
  const text = await proxy.said(/listens on/);
  assert.match(text, /broken\.yaml:\d+:\d+: error: .*\n1 error in the manifests; what has an error is not used\n/);
  proxy.child.kill('SIGINT');
  assert.equal((await proxy.ended).code, 0);
});

test('dns: answers, follows the manifests, and SIGTERM ends it with 0', async (t) => {
  const folder = await folderWith(t, {});
  await cp(EXAMPLE, folder, { recursive: true });
  const dns = startCli(t, ['dns', '-f', folder, '--listen', '127.0.0.1:0', '--zone', 'cluster.test']);
  const text = await dns.said(/^steelyard dns answers for cluster\.test on 127\.0\.0\.1:\d+: 2 Services/m);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${/answers for cluster\.test on 127\.0\.0\.1:(\d+)/.exec(text)?.[1]}`]);
  const name = 'backendh.default.svc.cluster.test';
  const pods = ['10.80.128.247', '10.80.153.167', '10.80.167.226'];
  assert.deepEqual((await resolver.resolve4(name)).toSorted(), pods);
  assert.deepEqual(await resolver.resolve4('backend.default.svc.cluster.test'), ['10.97.211.12']);

  const file = join(folder, 'backendh.yaml');
  // As a whole, as editors and mounted ConfigMaps change files: a reader never finds half of it.
  const change = async (from: string, to: string): Promise<void> => {
    const draft = join(folder, '.draft');
    await writeFile(draft, (await readFile(file, 'utf8')).replace(from, to));
    await rename(draft, file);
  };
  await change('10.80.128.247', '10.80.1.1');
  while (!(await resolver.resolve4(name)).includes('10.80.1.1'));
  await change('[10.80.1.1]', '[10.80.9.9');
  await dns.said(/backendh\.yaml:\d+:\d+: error: /);
  assert.ok((await resolver.resolve4(name)).includes('10.80.1.1'), 'the last good state holds');
  dns.child.kill('SIGTERM');
  assert.equal((await dns.ended).code, 0);
});
