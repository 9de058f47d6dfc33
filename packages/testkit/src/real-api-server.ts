import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './listen-local.ts';
import type { ApiServerUnderTest } from './api-server-under-test.ts';
import type { FakeObject } from './fake-api-server-store.ts';

const READY_TIMEOUT_MS = 90_000;

export interface RealApiServer extends ApiServerUnderTest {
  /** Creates an object of any kind, checked strictly; with `dryRun` all but that. Rejects with what is said against it. */
  create(object: FakeObject, dryRun: boolean): Promise<void>;
}

const CLUSTER_SCOPED = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);

/** Of an account that may do no more than what is granted to it. */
const READER_TOKEN = randomUUID();
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const READER_ROLE = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'reader' },
  rules: [
    {
      apiGroups: ['', 'discovery.k8s.io', 'networking.istio.io'],
      resources: ['services', 'pods', 'nodes', 'endpointslices', 'virtualservices', 'destinationrules'],
      verbs: ['list', 'watch'],
    },
  ],
};
const READER_BINDING = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'reader' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
};

/** A kube-apiserver with its etcd, both from the PATH: what the fake one is measured against. */
export async function startRealApiServer(): Promise<RealApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'steelyard-api-'));
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const token = randomUUID();
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await mkdir(join(folder, 'etcd'), { mode: 0o700 });
  await writeFile(join(folder, 'sa.key'), privateKey, { mode: 0o600 });
  await writeFile(join(folder, 'sa.pub'), publicKey);
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n${READER_TOKEN},reader,reader\n`, {
    mode: 0o600,
  });
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const etcdArgs = [
    '--data-dir',
    join(folder, 'etcd'),
    '--log-level',
    'error',
    '--listen-client-urls',
    etcdUrl,
    '--advertise-client-urls',
    etcdUrl,
    '--listen-peer-urls',
    `http://127.0.0.1:${peerPort}`,
    '--initial-advertise-peer-urls',
    `http://127.0.0.1:${peerPort}`,
    '--initial-cluster',
    `default=http://127.0.0.1:${peerPort}`,
  ];
  let etcd = start('etcd', etcdArgs);
  const headers = { authorization: `Bearer ${token}` };
  const agent = new Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false });
  let server: ChildProcess | undefined;
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    send(port, headers, agent, method, path, body);

  const ready = async (): Promise<void> => {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      const answer = await call('GET', '/readyz').catch(() => undefined);
      if (answer?.status === 200) return;
      if (server?.exitCode !== null || Date.now() > deadline) throw new Error('kube-apiserver does not get ready');
      await pause(100);
    }
  };

  const under: RealApiServer = {
    port,
    ca: undefined,
    headers: { authorization: `Bearer ${READER_TOKEN}` },
    async put(object) {
      const path = pathOf(object);
      const place = `${path}/${object.metadata.name}`;
      const replaced = await call('PUT', place, object);
      if (replaced.status < 300) return;
      if (replaced.status === 404) {
        await must(call('POST', path, object));
        return;
      }
      // A kind that takes no update without a version; a write of what it was before is no change, so any will do.
      const known = await must(call('GET', place));
      const metadata = { ...object.metadata, resourceVersion: versionOf(JSON.parse(known.text)) };
      await must(call('PUT', place, { ...object, metadata }));
    },
    delete: async (object) => void (await must(call('DELETE', `${pathOf(object)}/${object.metadata.name}`))),
    async create(object, dryRun) {
      const { kind, apiVersion } = object;
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const plural = `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
      const path = CLUSTER_SCOPED.has(kind) ? `${root}/${plural}` : pathOf(object);
      await must(call('POST', `${path}?fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`, object));
    },
    async installIstio() {
      for (const kind of ['VirtualService', 'DestinationRule']) {
        await must(call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definitionOf(kind)));
      }
    },
    async revoke() {
      await must(call('DELETE', `${RBAC}/clusterrolebindings/reader`));
    },
    async grant() {
      await must(call('POST', `${RBAC}/clusterrolebindings`, READER_BINDING));
    },
    async restartStorage() {
      const ended = once(etcd, 'close');
      etcd.kill('SIGKILL');
      await ended;
      await pause(500);
      etcd = start('etcd', etcdArgs);
      await ready();
    },
    compact: () => compactEtcd(etcdUrl),
    async stop() {
      const stopping = server;
      server = undefined;
      if (stopping?.exitCode !== null) return;
      const ended = once(stopping, 'close');
      stopping.kill('SIGKILL');
      await ended;
    },
    async start() {
      server = start('kube-apiserver', [
        '--etcd-servers',
        etcdUrl,
        '--cert-dir',
        join(folder, 'certs'),
        '--bind-address',
        '127.0.0.1',
        '--secure-port',
        String(port),
        '--service-cluster-ip-range',
        '10.96.0.0/12',
        '--service-account-key-file',
        join(folder, 'sa.pub'),
        '--service-account-signing-key-file',
        join(folder, 'sa.key'),
        '--service-account-issuer',
        'https://kubernetes.default.svc',
        '--token-auth-file',
        join(folder, 'tokens.csv'),
        '--authorization-mode',
        'RBAC',
        '--endpoint-reconciler-type',
        'none',
        '--disable-admission-plugins',
        'ServiceAccount',
        '--profiling=false',
      ]);
      await ready();
    },
    async close() {
      agent.destroy();
      await under.stop();
      const ended = once(etcd, 'close');
      etcd.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
  await under.start();
  await must(call('POST', `${RBAC}/clusterroles`, READER_ROLE));
  await under.grant();
  return under;
}

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore' });
  // Where the command is not there, getting ready fails.
  child.on('error', () => undefined);
  return child;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(
  port: number,
  headers: Readonly<Record<string, string>>,
  agent: Agent,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, agent };
    const sent = request({ ...options, headers: { ...headers, 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function must(answer: Promise<Answer>): Promise<Answer> {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`kube-apiserver answered ${status}: ${text.slice(0, 300)}`);
  return { status, text };
}

function pathOf({ apiVersion, kind, metadata }: FakeObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}/namespaces/${metadata.namespace ?? 'default'}/${kind.toLowerCase()}s`;
}

function versionOf(value: unknown): string {
  const metadata = typeof value === 'object' && value !== null && 'metadata' in value ? value.metadata : undefined;
  const found = typeof metadata === 'object' && metadata !== null && 'resourceVersion' in metadata;
  return found ? String(metadata.resourceVersion) : '';
}

function definitionOf(kind: string): unknown {
  const plural = `${kind.toLowerCase()}s`;
  const group = 'networking.istio.io';
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

/** etcd's gateway speaks JSON (etcd.io, gRPC gateway). */
async function compactEtcd(url: string): Promise<void> {
  const ask = async (path: string, body: unknown): Promise<string> => {
    const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
    return answer.text();
  };
  const status = await ask('/v3/maintenance/status', {});
  const revision = /"revision":"(\d+)"/.exec(status)?.[1] ?? '0';
  await ask('/v3/kv/compaction', { revision, physical: true });
}
