import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { ExplainedCall, RouteTableOptions } from '@steelyard/core/routing';
import { listenLocal } from '@steelyard/testkit';
import { renderConfig } from '../../proxy/admin/admin-config.ts';
import { runHere } from '../run-here.test-bed.ts';

const SAY = 'backend.default:8000/echo.Echo/Say';

const OBJECTS = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'backend' },
    spec: { ports: [{ name: 'grpc', port: 8000 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: [1, 2, 3].map((index) => ({ addresses: [`10.0.0.${index}`] })),
  },
];

function configOf(more: readonly object[] = [], routing?: RouteTableOptions): string {
  const documents = [...OBJECTS, ...more].map((value) => ({ file: 'a', value, locate: () => undefined }));
  return renderConfig(createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' })), routing);
}

const idle = { terminating: false, connections: 1, errors: {}, calls: 9 };
const CLUSTERS = JSON.stringify({
  clusters: [
    {
      name: 'outbound|8000||backend.default.svc.cluster.local',
      endpoints: [
        { endpoint: '10.0.0.1:8000', state: 'connected', active: 8, ...idle },
        { endpoint: '10.0.0.2:8000', state: 'connected', active: 0, ...idle, latencyMs: { p50: 4, p99: 12 } },
        { endpoint: '10.0.0.3:8000', state: 'ejected', ejections: 2, active: 0, ...idle, errors: { UNAVAILABLE: 5 } },
      ],
    },
  ],
});

async function startAdmin(t: TestContext, pages: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    const page = pages[request.url ?? ''];
    response.writeHead(page === undefined ? 404 : 200).end(page ?? 'nothing here');
  });
  t.after(() => server.close());
  return `127.0.0.1:${await listenLocal(server)}`;
}

test('a running proxy is asked: what is ejected is out, shares go by the calls under way', async (t) => {
  const admin = await startAdmin(t, { '/config': configOf(), '/clusters': CLUSTERS });
  const { code, stdout, stderr } = await runHere('explain', SAY, '--admin', admin, '-o', 'json');
  assert.equal(code, 0, stderr);
  const { live, steps, shares }: ExplainedCall = JSON.parse(stdout);
  assert.equal(live, true);
  assert.deepEqual(steps.find(({ step }) => step === 'endpoints')?.because, [
    '10.0.0.1:8000 is in: it is ready; connected, 8 of 9 calls under way.',
    '10.0.0.2:8000 is in: it is ready; connected, 0 of 9 calls under way, p50 4 ms, p99 12 ms.',
    '10.0.0.3:8000 is out: it is ejected; ejected, ejected 2 times so far, 0 of 9 calls under way, 5 failed.',
  ]);
  assert.deepEqual(
    shares.map(({ endpoint, share, exact }) => [endpoint, share, exact]),
    [
      ['10.0.0.1:8000', 0, false],
      ['10.0.0.2:8000', 1, false],
    ],
  );
});

test('a running proxy tells which rules it passed over', async (t) => {
  const rules = ['backend', '*.default.svc.cluster.local'].map((host, index) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: `r${index}` },
    spec: { host },
  }));
  const admin = await startAdmin(t, { '/config': configOf(rules), '/clusters': CLUSTERS });
  const { code, stdout, stderr } = await runHere('explain', SAY, '--admin', admin, '-o', 'json');
  assert.equal(code, 0, stderr);
  const { steps }: ExplainedCall = JSON.parse(stdout);
  assert.deepEqual(steps.find(({ step }) => step === 'destination-rule')?.because, [
    'default/r1: Host *.default.svc.cluster.local fits less well than backend.default.svc.cluster.local of default/r0.',
  ]);
});

test('a running proxy tells what it routes by: its port, its namespace, the Service to fall back on', async (t) => {
  const two = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'two' },
    spec: {
      ports: [
        { name: 'grpc', port: 8000 },
        { name: 'grpc-admin', port: 9000 },
      ],
    },
  };
  const first = async (authority: string, routing?: RouteTableOptions): Promise<ExplainedCall> => {
    const admin = await startAdmin(t, { '/config': configOf([two], routing), '/clusters': CLUSTERS });
    const { stdout } = await runHere('explain', `${authority}/echo.Echo/Say`, '--admin', admin, '-o', 'json');
    const explained: ExplainedCall = JSON.parse(stdout);
    return explained;
  };
  const told = async (authority: string, routing?: RouteTableOptions): Promise<string> => {
    return (await first(authority, routing)).steps[0]?.decision ?? '';
  };
  const routing = { namespace: 'default', listenPort: 9000 };
  assert.match(await told('two'), /names no port/);
  assert.match(await told('two', routing), /means Service default\/two, port 9000\.$/);
  assert.match(await told('two', { ...routing, listenPort: 7 }), /names no port/);
  assert.equal((await first('two', { ...routing, namespace: 'other' })).from, 'other');
  assert.match(await told('two', { ...routing, namespace: 'other' }), /means Service other\/two, which is not known/);
  const service = { namespace: 'default', name: 'backend', port: 8000 };
  assert.match(await told('nobody:1', { ...routing, service }), /fall back on: Service default\/backend, port 8000\.$/);
});

const WRONG: readonly (readonly [Readonly<Record<string, string>>, readonly string[], RegExp])[] = [
  [{}, [SAY], /--admin 127\.0\.0\.1:\d+\/c\w+: 404 nothing here/],
  [{ '/config': '[]', '/clusters': '{}' }, [SAY], /this is no admin port of a steelyard proxy/],
  [{ '/config': 'x', '/clusters': 'x' }, [SAY], /the answer is no JSON/],
  [{}, ['backend.default'], /--admin is for calls/],
  [{ '/config': configOf().replace('{', '{"routing":{},'), '/clusters': CLUSTERS }, [SAY], /this is no admin port/],
  [{}, [SAY, '-f', '.'], /give --admin or -f, not both/],
  [{}, [SAY, '--kubeconfig', 'x'], /give --admin or --kubeconfig, not both/],
  [{}, [SAY, '--nft', 'x'], /give --admin or --nft, not both/],
  [{}, [SAY, '--from', 'other'], /--from has no effect with --admin: what the proxy was told holds/],
  [{}, [SAY, '-n', 'default'], /-n has no effect with --admin/],
  [{}, [SAY, '--cluster-domain', 'x.example'], /--cluster-domain has no effect/],
  [{}, [SAY, '--labels', 'a=b'], /--labels has no effect/],
  [{}, [SAY, '--locality', '/a'], /--locality has no effect/],
  [{}, [SAY, '--node-name', 'a'], /--node-name has no effect/],
  [{}, [SAY, '--gateways', 'mesh'], /--gateways has no effect/],
  [{}, [SAY, '--scale-to', '4'], /--scale-to is for connections to a Service/],
];

test('a bad admin port, or a bad use of it, is one line and exit code 2', async (t) => {
  for (const [pages, args, message] of WRONG) {
    const { code, stderr } = await runHere('explain', ...args, '--admin', await startAdmin(t, pages));
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
});

test('what the environment says of callers is no wrong use', async (t) => {
  const admin = await startAdmin(t, { '/config': configOf(), '/clusters': CLUSTERS });
  process.env['STEELYARD_LABELS'] = 'app=web';
  t.after(() => delete process.env['STEELYARD_LABELS']);
  const { code, stderr } = await runHere('explain', SAY, '--admin', admin);
  assert.equal(code, 0, stderr);
});
