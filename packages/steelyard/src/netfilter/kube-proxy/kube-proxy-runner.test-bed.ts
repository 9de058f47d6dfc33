// Runs the real kube-proxy against a stub of the API server; started by kube-proxy.test.ts inside a network namespace of
// its own: `unshare -n node kube-proxy-runner.test-bed.js run`, with the cases on stdin and their dumps on stdout.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { listenLocal } from '@steelyard/testkit';
import { COMMANDS } from '../apply/kernel-commands.test-bed.ts';
import type { KubeObject } from '../compile/random-objects.test-bed.ts';
import { NODE } from '../compile/random-objects.test-bed.ts';

export interface RunnerCase {
  readonly mode: 'iptables' | 'nftables';
  readonly objects: readonly KubeObject[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** One text a family: `iptables-save`, or the JSON that nft prints. */
export interface RunnerDump {
  readonly IPv4: string;
  readonly IPv6: string;
}

const SYNC_LIMIT_MS = 60_000;
/** A thousand endpoints with session affinity are megabytes of JSON. */
const maxBuffer = 1 << 28;

async function main(): Promise<void> {
  for (const args of [
    ['link', 'set', 'lo', 'up'],
    ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1'],
    ['addr', 'add', '192.168.0.2/24', 'dev', 'eth0'],
    ['-6', 'addr', 'add', 'fd00:192::2/64', 'dev', 'eth0', 'nodad'],
    ['link', 'set', 'eth0', 'up'],
    ['link', 'set', 'eth1', 'up'],
  ])
    execFileSync(COMMANDS.ip, args);
  const cases: readonly RunnerCase[] = JSON.parse(await readAll(process.stdin));
  for (const each of cases) process.stdout.write(`${JSON.stringify(await run(each))}\n`);
}

async function run({ mode, objects, config }: RunnerCase): Promise<RunnerDump> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-proxy-'));
  const server = createServer((request, response) => answer(objects, request, response));
  const port = await listenLocal(server);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  const file = join(folder, 'config.yaml');
  const timeouts = { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' };
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode,
      hostnameOverride: NODE,
      clientConnection: { kubeconfig, contentType: 'application/json' },
      conntrack: timeouts,
      ...config,
    }),
  );
  const child = spawn(COMMANDS.kubeProxy, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  // However this ends, kube-proxy ends too.
  const end = (): boolean => child.kill('SIGKILL');
  process.once('exit', end);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  try {
    const limit = Date.now() + SYNC_LIMIT_MS;
    for (;;) {
      const dump = { IPv4: dumpOf(mode, 'IPv4'), IPv6: dumpOf(mode, 'IPv6') };
      if (isComplete(mode, dump.IPv4) && isComplete(mode, dump.IPv6)) return dump;
      if (Date.now() > limit || child.exitCode !== null) throw new Error(`kube-proxy wrote nothing: ${said}`);
      await delay(50);
    }
  } finally {
    end();
    await ended;
    process.off('exit', end);
    server.closeAllConnections();
    server.close();
    clear();
    rmSync(folder, { recursive: true, force: true });
  }
}

function dumpOf(mode: RunnerCase['mode'], family: 'IPv4' | 'IPv6'): string {
  try {
    if (mode === 'iptables')
      return execFileSync(family === 'IPv4' ? 'iptables-save' : 'ip6tables-save', { encoding: 'utf8', maxBuffer });
    const table = ['-j', 'list', 'table', family === 'IPv4' ? 'ip' : 'ip6', 'kube-proxy'];
    return execFileSync(COMMANDS.nft, table, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer });
  } catch {
    return '';
  }
}

/** The last thing that a first sync writes is there; each is written in one transaction. */
function isComplete(mode: RunnerCase['mode'], dump: string): boolean {
  return mode === 'iptables' ? /^-A KUBE-POSTROUTING /m.test(dump) : dump.includes('masquerading');
}

function clear(): void {
  const empty = ['filter', 'nat', 'mangle'].map((table) => `*${table}\nCOMMIT\n`).join('');
  for (const command of ['iptables-restore', 'ip6tables-restore']) execFileSync(command, { input: empty });
  execFileSync(COMMANDS.nft, ['flush', 'ruleset']);
}

const COLLECTIONS: Readonly<Record<string, string>> = {
  '/api/v1/services': 'Service',
  '/apis/discovery.k8s.io/v1/endpointslices': 'EndpointSlice',
  '/api/v1/nodes': 'Node',
  '/apis/networking.k8s.io/v1/servicecidrs': 'ServiceCIDR',
};

function answer(objects: readonly KubeObject[], request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://stub');
  const send = (status: number, value: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  const failure = (code: number): void =>
    send(code, { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'Invalid', code });
  if (request.method !== 'GET') return send(201, {});
  const kind = COLLECTIONS[url.pathname];
  const single = objects.find((each) => each.kind === 'Node' && url.pathname === `/api/v1/nodes/${NODE}`);
  if (single !== undefined) return send(200, single);
  if (kind === undefined) return failure(404);
  // Clients fall back to a list when the server cannot stream the initial events.
  if (url.searchParams.get('sendInitialEvents') === 'true') return failure(422);
  if (url.searchParams.get('watch') !== null) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    return;
  }
  const selector = url.searchParams.get('labelSelector') ?? '';
  const items = objects.filter((each) => {
    const { labels } = each.metadata;
    const otherProxy = JSON.stringify(labels ?? {}).includes('service-proxy-name');
    return each.kind === kind && !(otherProxy && selector.includes('service-proxy-name'));
  });
  const apiVersion = url.pathname.split('/').slice(2, -1).join('/');
  send(200, { apiVersion, kind: `${kind}List`, metadata: { resourceVersion: '1' }, items });
}

if (process.argv[2] === 'run') await main();
