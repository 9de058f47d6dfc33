import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { columnsOf } from '../../lab/index.ts';
import { EXAMPLE, runCli } from '../cli.test-bed.ts';

const ARTICLE = join(EXAMPLE, '../dumps/article.txt');

test("explains the article's dump in words", async () => {
  const { code, stdout, stderr } = await runCli(['explain', '--iptables-save', ARTICLE, '--lang', 'en']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^default\/backend:grpc {2}10\.97\.211\.12:8000\/TCP/);
  for (const pod of ['10.80.128.247', '10.80.153.167', '10.80.167.226'])
    assert.match(stdout, new RegExp(`${pod}:8000 +33\\.33 %`));
  assert.match(stdout, /per connection, not per call/);
  assert.match(stdout, /^ +3 \| +0\.89 of 3 \| +62\.96 %$/m);
  assert.match(stdout, /^Ways out:\n {2}- keep the Service's address, [^-]*: steelyard\s+node, /m);
});

test('the same in Chinese', async () => {
  const { stdout } = await runCli(['explain', '--iptables-save', ARTICLE, '--lang', 'zh']);
  assert.match(stdout, /每个新连接由内核随机分给 3 个 Pod 之一/);
  assert.match(stdout, /^解决办法：\n {2}- 保留 Service 的地址[^-]*steelyard\s+node/m);
});

test('no line is wider than a terminal', async () => {
  const call = ['backend.default:8000/echo.Echo/Say', '-f', join(EXAMPLE, '../canary')];
  for (const args of [
    ['--iptables-save', ARTICLE, '--lang', 'en'],
    ['--iptables-save', ARTICLE, '--lang', 'zh'],
    call,
  ]) {
    const { stdout } = await runCli(['explain', ...args]);
    assert.deepEqual(
      // The table of shares is as wide as its names.
      stdout.split('\n').filter((line) => columnsOf(line) > 80 && !/^ {2}\S+ +[\d.]+ %/.test(line)),
      [],
    );
  }
});

test('-o json has the exact shares, and the numbers asked for', async () => {
  const args = [
    'explain',
    '--iptables-save',
    ARTICLE,
    'backend.default:8000',
    '--connections',
    '10',
    '--scale-to',
    '5',
  ];
  const { stdout } = await runCli([...args, '-o', 'json']);
  const { services } = JSON.parse(stdout);
  assert.equal(services.length, 1);
  const [{ pods, spreads, scaleUp }] = services;
  assert.deepEqual(
    pods.map(({ share }: { share: number }) => share.toFixed(8)),
    ['0.33333000', '0.33333500', '0.33333500'],
  );
  assert.deepEqual(scaleUp, { pods: 5, idlePods: 2 });
  assert.equal(spreads.length, 1);
  assert.equal(spreads[0].idlePods.toFixed(4), (3 * (2 / 3) ** 10).toFixed(4));
});

test('manifests are explained by the rules they compile to', async () => {
  const { code, stdout } = await runCli(['explain', '-f', EXAMPLE, 'backend', '-o', 'json']);
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).services[0].pods.length, 3);
});

test('exit code 1 where no pod is reached', async () => {
  const { code, stdout } = await runCli(['explain', '--iptables-save', ARTICLE, '10.97.211.12:9', '--lang', 'en']);
  assert.equal(code, 1);
  assert.match(stdout, /No rule takes care of this address/);
});
