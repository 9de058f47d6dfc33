// Examples whose callers or pods have to be of a certain kind; the others are in examples.test.ts.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { createSeededRandom } from '@steelyard/core/balance';
import { type CallerOptions, createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Endpoint, Snapshot } from '@steelyard/core/model';
import { listenLocal, type PodBehaviour, startPod, TestCaller, type TestPodServer } from '@steelyard/testkit';
import { parseManifest } from '../kube/parse-manifest.ts';
import { silentLog } from '../log.test-bed.ts';
import { startProxy } from '../proxy/index.ts';
import { CALLER, FIRST, TEST_CA } from '../proxy/tls/tls-identities.test-bed.ts';

const EXAMPLES = new URL('../../../../examples/', import.meta.url);

const cleanUp: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of cleanUp.toReversed()) await close();
});

/** The example's Snapshot with its pods on this machine: the port of each by its name. */
function compileExample(
  name: string,
  ports: ReadonlyMap<string, number>,
  client: CallerOptions = {},
  edit: (text: string) => string = (text) => text,
): Snapshot {
  const folder = new URL(`${name}/`, EXAMPLES);
  const documents = readdirSync(folder).flatMap((file) =>
    parseManifest(file, edit(readFileSync(new URL(file, folder), 'utf8'))),
  );
  const snapshot = createCompiler(client).compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const here = (endpoint: Endpoint): Endpoint => {
    return { ...endpoint, address: '127.0.0.1', port: ports.get(endpoint.podName ?? '') ?? 1 };
  };
  const clusters = [...snapshot.clusters].map(
    ([key, cluster]) => [key, { ...cluster, endpoints: cluster.endpoints.map(here) }] as const,
  );
  return { ...snapshot, clusters: new Map(clusters) };
}

const PODS = ['backend-v1-a', 'backend-v1-b', 'backend-v2-a'] as const;
type PodName = (typeof PODS)[number];

/** Makes a call with these headers; who answered: a pod, or the status where none did. */
type Call = (headers?: object) => Promise<string>;

const answersAs =
  (name: string): PodBehaviour =>
  (stream) => {
    const head = { ':status': 200, 'content-type': 'application/grpc', 'x-pod': name, 'grpc-status': '0' };
    stream.respond(head, { endStream: true });
  };

async function start(
  name: string,
  { client, behaviour = answersAs }: { client?: CallerOptions; behaviour?: (pod: PodName) => PodBehaviour } = {},
): Promise<{ readonly call: Call; readonly callsAt: (pod: PodName) => number }> {
  const started = await Promise.all(PODS.map(async (pod) => [pod, await startPod(behaviour(pod))] as const));
  const byName = new Map<string, TestPodServer>(started);
  for (const [, pod] of started) cleanUp.push(() => pod.close());
  const ports = new Map(started.map(([pod, { port }]) => [pod, port]));
  const call = await serve(compileExample(name, ports, client));
  return { call, callsAt: (pod) => byName.get(pod)?.calls ?? 0 };
}

async function serve(current: Snapshot): Promise<Call> {
  const proxy = await startProxy({
    snapshots: { current, subscribe: () => () => undefined },
    listen: { host: '127.0.0.1', port: 0 },
    namespace: 'default',
    log: silentLog,
    random: createSeededRandom(11),
  });
  const caller = new TestCaller(proxy.address.port);
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return async (headers = {}) => {
    const reply = await caller.call('x', {
      ':authority': 'backend.default:8000',
      ':path': '/echo.Echo/Say',
      ...headers,
    });
    const status = reply.headers['grpc-status'] ?? reply.trailers['grpc-status'];
    return String(reply.headers['x-pod'] ?? `status ${String(status)}`);
  };
}

async function tally(calls: number, call: () => Promise<string>): Promise<Readonly<Record<string, number>>> {
  const counts = new Map<string, number>();
  for (let index = 0; index < calls; index++) {
    const who = await call();
    counts.set(who, (counts.get(who) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

test('examples/canary: testers get the new version only', async () => {
  const { call } = await start('canary');
  assert.deepEqual(await tally(20, () => call({ 'x-canary': 'true' })), { 'backend-v2-a': 20 });
});

test('examples/locality: calls stay in the zone of their caller', async () => {
  const client = { clientLocality: { region: 'r', zone: 'zone-1', subzone: '' } };
  const { call } = await start('locality', { client });
  assert.deepEqual(await tally(20, () => call()), { 'backend-v1-b': 20 });
});

test('examples/outlier: a pod that keeps failing is left out', async () => {
  const broken: PodBehaviour = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '13' }, { endStream: true });
  };
  const behaviour = (pod: PodName): PodBehaviour => (pod === 'backend-v1-a' ? broken : answersAs(pod));
  const { call, callsAt } = await start('outlier', { behaviour });
  const answers = await tally(300, () => call());
  // At most as many as consecutive5xxErrors allows; a pod that fails fast is less liked after its first failure already.
  const failed = callsAt('backend-v1-a');
  assert.ok(failed >= 1 && failed <= 5, `${failed} of 300`);
  assert.equal(answers['status 13'], failed);
});

async function startSecurePod(): Promise<number> {
  const server = createSecureServer({ ...FIRST, ca: TEST_CA, requestCert: true, rejectUnauthorized: true });
  server.on('session', (session) => cleanUp.push(async () => session.destroy()));
  server.on('stream', (stream, headers) => answersAs('secure')(stream, headers));
  cleanUp.push(async () => server.close());
  return listenLocal(server);
}

function certificates(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'steelyard-mtls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = { 'client.pem': CALLER.cert, 'client.key': CALLER.key, 'ca.pem': TEST_CA };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('examples/mtls: pods that ask for a certificate get it', async (t) => {
  const folder = certificates(t);
  const port = await startSecurePod();
  // The certificate of the test is for localhost.
  const edit = (text: string): string =>
    text.replaceAll('/etc/certs', folder).replace('mode: MUTUAL', 'mode: MUTUAL\n      subjectAltNames: [localhost]');
  const call = await serve(compileExample('mtls', new Map(PODS.map((pod) => [pod, port])), {}, edit));
  assert.equal(await call(), 'secure');
});
