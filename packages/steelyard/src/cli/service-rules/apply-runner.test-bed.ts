// Started by apply-service-rules.test.ts inside a network namespace of its own: `unshare -n node apply-runner.test-bed.js MODE`.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { COMMANDS } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { EXAMPLE, LAUNCHER } from '../cli.test-bed.ts';

const ADMIN = '127.0.0.1:10249';

function kernelText(mode: string): string {
  if (mode === 'iptables') return execFileSync(COMMANDS.iptablesSave, { encoding: 'utf8' });
  return execFileSync(COMMANDS.nft, ['list', 'ruleset'], { encoding: 'utf8' });
}

async function ask(path: string): Promise<string> {
  const response = await fetch(`http://${ADMIN}${path}`);
  return response.text();
}

async function run(mode: string): Promise<void> {
  execFileSync(COMMANDS.ip, ['link', 'set', 'lo', 'up']);
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-apply-'));
  const file = join(folder, 'backend.yaml');
  const manifests = await readFile(join(EXAMPLE, 'backend.yaml'), 'utf8');
  await writeFile(file, manifests);
  const args = [
    'service-rules',
    '--apply',
    '--force',
    '--mode',
    mode,
    '-f',
    folder,
    '--admin',
    ADMIN,
    '--end-tcp-after',
    '5s',
  ];
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) {
      assert.equal(child.exitCode, null, `ended before ${what}: ${said}`);
      await setImmediate();
    }
  };
  try {
    await until('the rules are written', () => said.includes('IPv6') && said.includes('rules written'));
    assert.ok(kernelText(mode).includes('10.80.128.247'));
    await until('it is healthy', async () => (await ask('/healthz')) === 'ok\n');
    const counted = (text: string): number =>
      Number(/^kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} (\d+)$/m.exec(text)?.[1]);
    assert.ok(counted(await ask('/metrics')) >= 1);
    await writeFile(file, manifests.replaceAll('10.80.128.247', '10.80.9.9'));
    await until('the change is written', () => kernelText(mode).includes('10.80.9.9'));
    assert.ok(!kernelText(mode).includes('10.80.128.247'));
    await until('it is counted', async () => counted(await ask('/metrics')) >= 2);
    child.kill('SIGTERM');
    await once(child, 'exit');
    assert.equal(child.exitCode, 0, said);
    assert.ok(kernelText(mode).includes('10.80.9.9'), 'the rules stay');
    execFileSync(process.execPath, [LAUNCHER, 'service-rules', '--cleanup', '--force', '--mode', mode]);
    assert.ok(!kernelText(mode).includes('10.80.9.9'));
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
}

const [, , mode] = process.argv;
if (mode === 'iptables' || mode === 'nftables') await run(mode);
