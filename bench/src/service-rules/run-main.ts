// Started by suite.ts inside a network namespace of its own: `unshare -n node run-main.js JOB`, prints a JobResult.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiStub, startApiStub } from './api-stub.ts';
import type { Job, JobResult } from './job.ts';
import { median } from '../statistics.ts';
import { NODE, nodeObject, serviceObject, sliceObject } from './objects.ts';
import { type Syncs, parseSyncs } from './syncs.ts';

const METRICS = '127.0.0.1:10249';
/** Both write at most once a second. */
const PAUSE_MS = 1100;
const LIMIT_MS = 300_000;
const TICKS_PER_SECOND = 100;

/** A PATH on which `iptables` and its kin are those of the kernel's own tables. */
function withLegacyTools(folder: string): string {
  const path = process.env['PATH'] ?? '';
  const found = spawnSync('which', ['iptables-legacy'], { encoding: 'utf8' }).stdout.trim();
  if (found === '') return path;
  // One program that goes by the name it is called by.
  const program = realpathSync(found);
  for (const name of ['iptables', 'ip6tables'].flatMap((each) => [each, `${each}-save`, `${each}-restore`])) {
    symlinkSync(program, join(folder, name));
  }
  return `${folder}:${path}`;
}

function commandOf({ subject, mode }: Job, folder: string, url: string): readonly [string, ...string[]] {
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = { name: 'c', cluster: { server: url } };
  const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
  const users = [{ name: 'u', user: {} }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster],
      users,
      contexts: [context],
      'current-context': 'x',
    }),
  );
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode,
      hostnameOverride: NODE,
      clusterCIDR: '10.0.0.0/8',
      metricsBindAddress: METRICS,
      clientConnection: { kubeconfig, contentType: 'application/json' },
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    }),
  );
  if (subject === 'kube-proxy') return ['kube-proxy', '--config', config];
  const launcher = join(import.meta.dirname, '..', '..', '..', 'packages', 'steelyard', 'bin', 'steelyard.js');
  const options = ['--apply', '--force', '--config', config, '--kubeconfig', kubeconfig, '--admin', METRICS];
  return [process.execPath, launcher, 'service-rules', ...options];
}

async function run(job: Job): Promise<JobResult> {
  for (const args of [
    ['link', 'set', 'lo', 'up'],
    ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1'],
    ['addr', 'add', '192.168.0.2/24', 'dev', 'eth0'],
    ['link', 'set', 'eth0', 'up'],
    ['link', 'set', 'eth1', 'up'],
  ])
    execFileSync('ip', args);
  const indexes = Array.from({ length: job.services }, (_, index) => index);
  const objects = [
    nodeObject(),
    ...indexes.map(serviceObject),
    ...indexes.map((index) => sliceObject(index, job.endpoints, 0, 1)),
  ];
  const api = await startApiStub(objects);
  const folder = mkdtempSync(join(tmpdir(), 'bench-rules-'));
  const path = withLegacyTools(folder);
  const [command, ...args] = commandOf(job, folder, api.url);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: path } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const pid = child.pid ?? 0;
  const isAlive = (): boolean => child.exitCode === null;
  try {
    const first = await syncsWhen(
      ({ count }) => count > 0,
      isAlive,
      () => said,
    );
    await delay(PAUSE_MS);
    const startCpu = cpuSeconds(pid);
    const changes = await makeChanges(job, api, pid, isAlive, () => said);
    return { full: first.sum, startCpu, ...changes };
  } finally {
    child.kill('SIGKILL');
    if (isAlive()) await once(child, 'exit');
    api.close();
    rmSync(folder, { recursive: true });
  }
}

async function makeChanges(
  { services, endpoints, changes }: Job,
  api: ApiStub,
  pid: number,
  isAlive: () => boolean,
  said: () => string,
): Promise<Omit<JobResult, 'full' | 'startCpu'>> {
  const [spent, seen, cpu]: [number[], number[], number[]] = [[], [], []];
  for (let change = 1; change <= changes; change++) {
    const before = await syncs();
    const cpuBefore = cpuSeconds(pid);
    const started = performance.now();
    // Spread over the Services, the last ones of the table among them.
    const index = Math.floor((services * change) / (changes + 1));
    api.publish(sliceObject(index, endpoints, change, 1 + change));
    const after = await syncsWhen(({ count }) => count > before.count, isAlive, said);
    seen.push((performance.now() - started) / 1000);
    spent.push((after.sum - before.sum) / (after.count - before.count));
    await delay(PAUSE_MS);
    cpu.push(cpuSeconds(pid) - cpuBefore);
  }
  return { change: median(spent), visible: median(seen), changeCpu: median(cpu) };
}

async function syncs(): Promise<Syncs> {
  const response = await fetch(`http://${METRICS}/metrics`);
  return parseSyncs(await response.text());
}

async function syncsWhen(holds: (syncs: Syncs) => boolean, isAlive: () => boolean, said: () => string): Promise<Syncs> {
  const limit = Date.now() + LIMIT_MS;
  while (Date.now() < limit) {
    const now = await syncs().catch(() => undefined);
    if (now !== undefined && holds(now)) return now;
    if (!isAlive()) throw new Error(`it has ended: ${said()}`);
    await delay(5);
  }
  throw new Error(`nothing was written within ${LIMIT_MS / 1000} s: ${said()}`);
}

/** User and system time of a process and of its children that have ended (proc(5): fields 14 to 17). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS_PER_SECOND;
}

function parseJob(text: string): Job {
  const job: Job = JSON.parse(text);
  return job;
}

process.stdout.write(JSON.stringify(await run(parseJob(process.argv[2] ?? '{}'))));
