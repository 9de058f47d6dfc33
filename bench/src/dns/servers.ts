import { spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, startProcess, type StartedProcess } from '@steelyard/tools/peers';
import { nameOf, RECORDS } from './cluster.ts';

export const SERVERS = ['steelyard', 'coredns'] as const;
export type ServerName = (typeof SERVERS)[number];

export interface DnsServerUnderTest {
  readonly name: ServerName;
  readonly port: number;
  readonly process: StartedProcess;
  stop(): Promise<void>;
}

const launcher = resolve(import.meta.dirname, '..', '..', '..', 'packages', 'steelyard', 'bin', 'steelyard.js');

/** The version a server says it has; undefined when it is not installed. */
export function serverVersion(name: ServerName): string | undefined {
  if (name === 'steelyard') return process.versions.node;
  const { status, stdout } = spawnSync('coredns', ['-version'], { encoding: 'utf8' });
  return status === 0 ? (/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? 'unknown') : undefined;
}

/**
 * Starts a server over the cluster at `url`, each as it is deployed by default: ours with its default number of processes,
 * CoreDNS with the plugins of the Corefile that Kubernetes' installers write; neither logs or counts.
 */
export async function startServer(name: ServerName, url: string): Promise<DnsServerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), `steelyard-bench-${name}-`));
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', cleanUp);
  const port = await freePort();
  const [command, ...args] = name === 'steelyard' ? ours(folder, port, url) : coreDns(folder, port, url);
  const started = await startProcess(name, command ?? '', args, port);
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  for (let attempt = 0; ; attempt++) {
    const counts = await Promise.all(
      RECORDS.map((records) =>
        resolver.resolve4(nameOf(records)).then(
          (found) => found.length === records,
          () => false,
        ),
      ),
    );
    if (counts.every(Boolean)) break;
    if (attempt > 100) throw new Error(`${name} does not get ready: ${started.output()}`);
    await new Promise((resume) => {
      setTimeout(resume, 100);
    });
  }
  return {
    name,
    port,
    process: started,
    async stop() {
      await started.stop();
      process.removeListener('exit', cleanUp);
      cleanUp();
    },
  };
}

function ours(folder: string, port: number, url: string): readonly string[] {
  const config = join(folder, 'config');
  writeFileSync(
    config,
    `current-context: c
clusters: [{name: c, cluster: {server: "${url}"}}]
contexts: [{name: c, context: {cluster: c}}]
`,
  );
  const listen = `127.0.0.1:${port}`;
  return [process.execPath, launcher, 'dns', '--kubeconfig', config, '--listen', listen, '--forward', 'off'];
}

function coreDns(folder: string, port: number, url: string): readonly string[] {
  const corefile = join(folder, 'Corefile');
  writeFileSync(
    corefile,
    `.:${port} {
  bind 127.0.0.1
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    endpoint ${url}
    ttl 30
  }
  cache 30
  loadbalance
}
`,
  );
  return ['coredns', '-conf', corefile, '-quiet'];
}
