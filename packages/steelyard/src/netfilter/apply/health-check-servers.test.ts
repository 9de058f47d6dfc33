import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { recordingLog } from '../../log.test-bed.ts';
import type { HealthCheck } from './health-check-servers.ts';
import { createHealthCheckServers, healthChecks } from './health-check-servers.ts';
import { freePort } from '@steelyard/testkit';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';

const metadata = { name: 'web', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'web' } };
const spec = {
  type: 'LoadBalancer',
  clusterIP: '172.30.0.1',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 31_000,
  ports: [
    { name: 'a', port: 80 },
    { name: 'b', port: 81 },
  ],
};

function checksOf(endpoints: readonly object[], fields: object = {}): readonly HealthCheck[] {
  const ports = [
    { name: 'a', port: 8080 },
    { name: 'b', port: 8081 },
  ];
  return healthChecks(
    snapshotOf([
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ...spec, ...fields } },
      { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports, endpoints },
    ]),
    'node-a',
  );
}

suite('health checks of load balancers', () => {
  test('count ready endpoints on the node once, whatever their ports', () => {
    const [check] = checksOf([
      { addresses: ['10.0.0.1'], nodeName: 'node-a' },
      { addresses: ['10.0.0.2'], nodeName: 'node-a', conditions: { ready: false, serving: true, terminating: true } },
      { addresses: ['10.0.0.3'], nodeName: 'node-b' },
    ]);
    assert.deepEqual(check, { namespace: 'ns', service: 'web', port: 31_000, localEndpoints: 1 });
  });

  test('are for the external policy Local only', () => {
    assert.deepEqual(checksOf([], { externalTrafficPolicy: 'Cluster' }), []);
  });

  test('are answered as kube-proxy answers them', async (t) => {
    const port = await freePort();
    let healthy = true;
    const said: string[] = [];
    const log = recordingLog(said);
    const servers = createHealthCheckServers({ isHealthy: () => healthy, log, host: '127.0.0.1' });
    t.after(() => servers.close());
    const check = { namespace: 'ns', service: 'web', port, localEndpoints: 2 };
    const ask = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/healthz`);

    await servers.update([check]);
    const good = await ask();
    assert.deepEqual([good.status, good.headers.get('x-load-balancing-endpoint-weight')], [200, '2']);
    assert.deepEqual(await good.json(), {
      service: { namespace: 'ns', name: 'web' },
      localEndpoints: 2,
      serviceProxyHealthy: true,
    });

    healthy = false;
    assert.equal((await ask()).status, 503);
    healthy = true;
    await servers.update([{ ...check, localEndpoints: 0 }]);
    assert.equal((await ask()).status, 503);

    const other = createHealthCheckServers({ isHealthy: () => true, log, host: '127.0.0.1' });
    await other.update([check]);
    assert.match(said.join('\n'), /ns\/web are not answered on port \d+: .*EADDRINUSE/);

    await servers.update([]);
    await assert.rejects(ask());
  });
});
