// Commands that read from an API server, as their users start them.
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type FakeApiServer, type FakeObject, startFakeApiServer } from '@steelyard/testkit';
import { folderWith, runCli, startCli } from './cli.test-bed.ts';

function service(name: string, clusterIP: string): FakeObject {
  const spec = { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'grpc', port: 80, protocol: 'TCP' }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'default', name }, spec };
}

function slice(serviceName: string, address: string): FakeObject {
  const labels = { 'kubernetes.io/service-name': serviceName };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: `${serviceName}-1`, labels },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000, protocol: 'TCP' }],
    endpoints: [{ addresses: [address] }],
  };
}

async function start(t: TestContext): Promise<{ api: FakeApiServer; kubeconfig: string }> {
  const api = await startFakeApiServer({ transport: 'http' });
  t.after(() => api.stop());
  for (const resource of ['v1/services', 'discovery.k8s.io/v1/endpointslices', 'v1/pods', 'v1/nodes']) {
    api.store.install(resource);
  }
  api.store.put(service('backend', '10.96.0.5'));
  api.store.put(slice('backend', '10.1.0.1'));
  const config = `current-context: here
clusters: [{name: c, cluster: {server: "${api.url}"}}]
contexts: [{name: here, context: {cluster: c}}]
`;
  return { api, kubeconfig: join(await folderWith(t, { config }), 'config') };
}

test('service-rules prints those of the cluster; --as is passed on', async (t) => {
  const { api, kubeconfig } = await start(t);
  const { code, stdout, stderr } = await runCli(['service-rules', '--kubeconfig', kubeconfig, '--as', 'jane']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /-d 10\.96\.0\.5\/32/);
  assert.match(stdout, /10\.1\.0\.1:8000/);
  assert.ok(api.requests.every(({ headers }) => headers['impersonate-user'] === 'jane'));
});

test('-f beside a cluster stands in its place, and joins with it', async (t) => {
  const { kubeconfig } = await start(t);
  const folder = await folderWith(t, { 'a.json': JSON.stringify(service('backend', '10.96.0.77')) });
  const { code, stdout, stderr } = await runCli(['service-rules', '--kubeconfig', kubeconfig, '-f', folder]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /-d 10\.96\.0\.77\/32/);
  assert.doesNotMatch(stdout, /10\.96\.0\.5/);
  assert.match(stdout, /10\.1\.0\.1:8000/);
});

test('rules go by the labels of the callers, from a cluster as from manifests', async (t) => {
  const { kubeconfig } = await start(t);
  const http = [
    { match: [{ sourceLabels: { app: 'web' } }], directResponse: { status: 403 } },
    { route: [{ destination: { host: 'backend' } }] },
  ];
  const rules = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'backend', namespace: 'default' },
    spec: { hosts: ['backend'], http },
  };
  const folder = await folderWith(t, { 'a.json': JSON.stringify(rules) });
  const args = ['explain', 'backend:80/echo.Echo/Say', '--kubeconfig', kubeconfig, '-f', folder, '-o', 'json'];
  for (const [labels, outcome] of [
    ['app=web', 'answered'],
    ['app=job', 'forwarded'],
  ] as const) {
    const { stdout, stderr } = await runCli([...args, '--labels', labels]);
    assert.match(stdout, new RegExp(`"outcome": "${outcome}"`), stderr);
  }
});

test('a context that is not there is one line and exit code 2', async (t) => {
  const { kubeconfig } = await start(t);
  const { code, stderr } = await runCli(['service-rules', '--kubeconfig', kubeconfig, '--context', 'there']);
  assert.equal(code, 2);
  assert.match(stderr, /^error: .*config: there is no context "there"; there is "here"\n$/);
});

test('dns answers with SERVFAIL until the API server is there, then follows it', async (t) => {
  const { api, kubeconfig } = await start(t);
  await api.stop();
  const dns = startCli(t, ['dns', '--listen', '127.0.0.1:0', '--kubeconfig', kubeconfig]);
  const text = await dns.said(/answers for cluster\.local on \S+: SERVFAIL until the API server has been heard/);
  const address = /answers for cluster\.local on (127\.0\.0\.1:\d+): SERVFAIL/.exec(text)?.[1] ?? '';
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([address]);
  const ask = (): Promise<string[]> => resolver.resolve4('backend.default.svc.cluster.local');
  await assert.rejects(ask(), { code: 'ESERVFAIL' });
  await api.start();
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await ask().catch((error: unknown) => {
      if (Date.now() > deadline) throw error;
      return undefined;
    });
    if (found !== undefined) {
      assert.deepEqual(found, ['10.96.0.5']);
      break;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  dns.child.kill('SIGTERM');
  assert.equal((await dns.ended).code, 0);
});

test('analyze finds in a live cluster what it finds in manifests', async (t) => {
  const { api, kubeconfig } = await start(t);
  for (const resource of ['virtualservices', 'destinationrules']) {
    api.store.install(`networking.istio.io/v1/${resource}`);
  }
  const metadata = { namespace: 'default', name: 'backend' };
  const match = [{ uri: { exact: '/a' } }];
  const route = [{ destination: { host: 'backend' } }];
  api.store.put({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata,
    spec: {
      hosts: ['backend'],
      http: [
        { match, route },
        { match, route },
      ],
    },
  });
  api.store.put({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata,
    spec: { host: 'backend', trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } } },
  });
  const { code, stdout, stderr } = await runCli(['analyze', '--kubeconfig', kubeconfig, '--fail-on', 'warning']);
  assert.equal(code, 1, stderr);
  assert.match(stdout, /VirtualService default\/backend spec\.http\[1\]\.match\[0\]: .*\[match-ineffective\]/);
  assert.match(stdout, /DestinationRule default\/backend .*\[one-call-per-connection\]/);
});

test('analyze joins manifests with the cluster that they are for', async (t) => {
  const { api, kubeconfig } = await start(t);
  for (const resource of ['virtualservices', 'destinationrules']) {
    api.store.install(`networking.istio.io/v1/${resource}`);
  }
  const spec = { host: 'backend', trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } } };
  const rule = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { namespace: 'default', name: 'd' },
    spec,
  };
  const broken = { ...rule, metadata: { namespace: 'default', name: 'e' }, spec: {} };
  const folder = await folderWith(t, { 'a.json': JSON.stringify(rule), 'b.json': JSON.stringify(broken) });
  const { code, stdout, stderr } = await runCli(['analyze', '--kubeconfig', kubeconfig, '-f', folder]);
  assert.equal(code, 1, stderr);
  assert.match(stdout, /DestinationRule default\/d .*\[one-call-per-connection\]/);
  assert.match(stdout, /b\.json:1:\d+: error: DestinationRule default\/e spec: .*\[missing-field\]/);
  // The Service is the cluster's: without it the host would be unknown.
  assert.doesNotMatch(stdout, /host-unknown/);
  const nowhere = await runCli(['analyze', '--kubeconfig', `${kubeconfig}.missing`, '-f', folder]);
  assert.equal(nowhere.code, 2, 'a cluster that cannot be asked is not passed over');
});
