import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, describe, test } from 'node:test';
import { createTestSource } from '@steelyard/testkit';
import { logThat } from '../../log.test-bed.ts';
import type { Logger } from '../../log.ts';
import { type Admin, type AdminSubject, startAdmin } from './admin-server.ts';
import { EMPTY_REPORT } from '../metrics/metrics-report.ts';
import type { ClusterReport } from '../metrics/cluster-report.ts';
import { EndpointStats } from '../metrics/metrics-series.ts';
import { silent } from '../end-to-end/proxy.test-bed.ts';

const open: Admin[] = [];
after(() => Promise.all(open.map((admin) => admin.close())));

interface Bed {
  readonly admin: Admin;
  readonly drains: () => number;
  readonly ask: (path: string, init?: RequestInit) => Promise<{ status: number; body: string; type: string }>;
}

async function startBed(host = '127.0.0.1', log: Logger = silent): Promise<Bed> {
  let drains = 0;
  const admin = await startAdmin({ listen: { host, port: 0 }, log, onDrain: () => drains++ });
  open.push(admin);
  return {
    admin,
    drains: () => drains,
    async ask(path, init) {
      const response = await fetch(`http://127.0.0.1:${admin.address.port}${path}`, init);
      const { status, headers } = response;
      return { status, body: await response.text(), type: headers.get('content-type') ?? '' };
    },
  };
}

function subjectWith(endpoints: AdminSubject['report']): AdminSubject {
  return {
    snapshot: createTestSource([{ port: 8001 }, { port: 8002 }]).current,
    workers: undefined,
    report: endpoints,
  };
}

const empty = subjectWith(async () => EMPTY_REPORT);

describe('the admin port', () => {
  test('from the start to the drain: alive throughout, ready in between', async () => {
    const { admin, ask } = await startBed();
    const both = async (): Promise<number[]> => [(await ask('/livez')).status, (await ask('/readyz')).status];
    assert.deepEqual(await both(), [200, 503]);
    assert.match((await ask('/readyz')).body, /no Snapshot yet/);
    admin.ready(empty);
    assert.deepEqual(await both(), [200, 200]);
    assert.match((await ask('/metrics')).body, /^steelyard_ready 1$/m);
    admin.draining();
    assert.deepEqual(await both(), [200, 503]);
    assert.match((await ask('/readyz')).body, /draining/);
    admin.ready(empty);
    assert.equal((await ask('/readyz')).status, 503, 'nothing undoes a drain');
  });

  test('before the first Snapshot: metrics of nothing, and no state', async () => {
    const { ask } = await startBed();
    const metrics = await ask('/metrics');
    assert.equal(metrics.status, 200);
    assert.equal(metrics.type, 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(metrics.body, /^steelyard_ready 0$/m);
    for (const path of ['/clusters', '/config']) assert.equal((await ask(path)).status, 503);
  });

  test('/clusters: what each pod got and made of it', async () => {
    const { admin, ask } = await startBed();
    const stats = new EndpointStats();
    for (let i = 0; i < 3; i++) stats.ended(0, 1000);
    stats.ended(14, 9000);
    const { byStatus, latency } = stats;
    const one = { key: '127.0.0.1:8001', active: 1, failing: true, connections: 0, started: 5, byStatus, latency };
    admin.ready(subjectWith(async () => ({ ...EMPTY_REPORT, endpoints: [one] })));
    const { body, type } = await ask('/clusters');
    assert.match(type, /^application\/json/);
    const idle = { state: 'idle', terminating: false, active: 0, connections: 0, calls: 0, errors: {} };
    assert.deepEqual(JSON.parse(body), {
      clusters: [
        {
          name: 'outbound|8000||backend.default.svc.cluster.local',
          host: 'backend.default.svc.cluster.local',
          port: 8000,
          subset: '',
          policy: 'RANDOM',
          endpoints: [
            {
              endpoint: '127.0.0.1:8001',
              state: 'failing',
              terminating: false,
              active: 1,
              connections: 0,
              calls: 5,
              errors: { UNAVAILABLE: 1 },
              latencyMs: { p50: 1.024, p90: 9.216, p99: 9.216, p999: 9.216 },
            },
            { endpoint: '127.0.0.1:8002', ...idle },
          ],
        },
      ],
    });
  });

  test('/clusters: what is out of use, warming or refused', async () => {
    const { admin, ask } = await startBed();
    const { snapshot } = subjectWith(async () => EMPTY_REPORT);
    const [cluster] = snapshot.clusters.values();
    assert.ok(cluster);
    const [first, second] = cluster.endpoints;
    assert.ok(first && second);
    const endpoints = [first, second, { ...second, port: 8003 }];
    const pool = { ...cluster, endpoints, connectionPool: { maxRequests: 3 }, extensions: { subsetSize: 2 } };
    const member = { ejected: false, ejections: 0, probe: 'healthy', warmth: 1, handicap: 1, weight: 0 } as const;
    const report: ClusterReport = {
      name: cluster.name,
      policy: 'RANDOM',
      active: 3,
      waiting: 0,
      refused: { maxRequests: 7 },
      open: ['maxRequests'],
      members: [
        { ...member, key: '127.0.0.1:8001', ejected: true, ejections: 2 },
        { ...member, key: '127.0.0.1:8002', probe: 'unhealthy', warmth: 0.25, handicap: 3.5, weight: 12 },
      ],
    };
    const subject = subjectWith(async () => ({ ...EMPTY_REPORT, clusters: [report] }));
    admin.ready({ ...subject, snapshot: { ...snapshot, clusters: new Map([[cluster.name, pool]]) } });
    const body: unknown = JSON.parse((await ask('/clusters')).body);
    const numbers = { terminating: false, active: 0, connections: 0, calls: 0, errors: {} };
    assert.deepEqual(body, {
      clusters: [
        {
          name: cluster.name,
          host: cluster.host,
          port: 8000,
          subset: '',
          policy: 'RANDOM',
          circuitBreakers: { open: ['maxRequests'], refused: { maxRequests: 7 } },
          endpoints: [
            { endpoint: '127.0.0.1:8001', state: 'ejected', ejections: 2, health: 'healthy', ...numbers },
            {
              endpoint: '127.0.0.1:8002',
              state: 'unhealthy',
              health: 'unhealthy',
              warming: true,
              warmth: 0.25,
              handicap: 3.5,
              weight: 12,
              ...numbers,
            },
            { endpoint: '127.0.0.1:8003', state: 'left-out', ...numbers },
          ],
        },
      ],
    });
    const metrics = (await ask('/metrics')).body;
    for (const line of [
      `steelyard_endpoint_ejected{grpc_target="${cluster.name}",endpoint="127.0.0.1:8001"} 1`,
      `steelyard_endpoint_ejections_total{grpc_target="${cluster.name}",endpoint="127.0.0.1:8001"} 2`,
      `steelyard_endpoint_unhealthy{grpc_target="${cluster.name}",endpoint="127.0.0.1:8002"} 1`,
      `steelyard_cluster_active_calls{grpc_target="${cluster.name}"} 3`,
      `steelyard_cluster_refused_total{grpc_target="${cluster.name}",limit="maxRequests"} 7`,
    ]) {
      assert.ok(metrics.includes(`\n${line}\n`), line);
    }
  });

  test('/config: the Snapshot, its maps as objects', async () => {
    const { admin, ask } = await startBed();
    admin.ready(empty);
    const config: unknown = JSON.parse((await ask('/config')).body);
    assert.ok(typeof config === 'object' && config !== null && 'clusters' in config && 'virtualHosts' in config);
    assert.deepEqual(Object.keys(config.clusters ?? {}), [...empty.snapshot.clusters.keys()]);
    assert.deepEqual(Object.keys(config.virtualHosts ?? {}), [...empty.snapshot.virtualHosts.keys()]);
    assert.ok(!('routing' in config));
  });

  test('/config: what calls are routed by besides, where that is one thing', async () => {
    const { admin, ask } = await startBed();
    const routing = { namespace: 'default', listenPort: 9000, service: { namespace: 'a', name: 'b', port: 1 } };
    admin.ready({ ...empty, routing });
    const config: unknown = JSON.parse((await ask('/config')).body);
    assert.ok(typeof config === 'object' && config !== null && 'routing' in config);
    assert.deepEqual(config.routing, routing);
  });

  test('POST /drain: once there is something to drain, and not from a web page', async () => {
    const { admin, ask, drains } = await startBed();
    assert.equal((await ask('/drain', { method: 'POST' })).status, 503);
    admin.ready(empty);
    const fromPage = await ask('/drain', { method: 'POST', headers: { origin: 'https://example.com' } });
    assert.equal(fromPage.status, 403);
    assert.equal(drains(), 0);
    assert.equal((await ask('/drain', { method: 'POST' })).status, 202);
    assert.equal(drains(), 1);
  });

  test('what it tells of may be not ready for a while, and has metrics of its own', async () => {
    const { admin, ask } = await startBed();
    let obstacle: string | undefined = 'the rules are not in effect';
    admin.ready({ ...empty, obstacle: () => obstacle, moreMetrics: () => 'mine 1\n' });
    assert.deepEqual(await ask('/readyz').then(({ status, body }) => [status, body]), [503, `${obstacle}\n`]);
    assert.match((await ask('/metrics')).body, /^steelyard_ready 0$[^]*^mine 1$/m);
    obstacle = undefined;
    assert.equal((await ask('/readyz')).status, 200);
    assert.match((await ask('/metrics')).body, /^steelyard_ready 1$/m);
  });

  const hosts: readonly [string, string, number][] = [
    ['127.0.0.1', 'localhost:9901', 200],
    ['127.0.0.1', '127.0.0.1', 200],
    ['127.0.0.1', '[::1]:9901', 200],
    ['127.0.0.1', 'evil.example', 403],
    ['127.0.0.1', '127.0.0.1.evil.example:9901', 403],
    ['0.0.0.0', 'steelyard.mesh:9901', 200],
  ];
  for (const [listen, host, status] of hosts) {
    test(`asked for as ${host} on ${listen}: ${status}`, async () => {
      const { admin } = await startBed(listen);
      const asked = request({ host: '127.0.0.1', port: admin.address.port, path: '/livez', headers: { host } });
      const [response] = await once(asked.end(), 'response');
      assert.equal(response.statusCode, status);
      response.resume();
    });
  }

  const wrong: readonly [string, string, number][] = [
    ['GET', '/', 404],
    ['GET', '/metricsx', 404],
    ['POST', '/metrics', 405],
    ['GET', '/drain', 405],
    ['HEAD', '/livez', 200],
    ['GET', '/livez?verbose=1', 200],
  ];
  for (const [method, path, status] of wrong) {
    test(`${method} ${path} is ${status}`, async () => {
      const { ask } = await startBed();
      assert.equal((await ask(path, { method })).status, status);
    });
  }

  for (const [path, status] of [
    ['http://localhost/livez?x=/y', 200],
    ['http://localhost/nothing', 404],
  ] as const) {
    test(`a target in absolute form, as proxies send it: ${path} is ${status}`, async () => {
      const { admin } = await startBed();
      const asked = request({ host: '127.0.0.1', port: admin.address.port, path });
      const [response] = await once(asked.end(), 'response');
      assert.equal(response.statusCode, status);
      response.resume();
    });
  }

  test('on an address that others reach it says so', async () => {
    const warnings: string[] = [];
    const log = logThat({ warn: (message) => warnings.push(message) });
    await startBed('127.0.0.1', log);
    assert.deepEqual(warnings, []);
    await startBed('0.0.0.0', log);
    assert.match(warnings.join(), /can be reached from other machines/);
  });
});
