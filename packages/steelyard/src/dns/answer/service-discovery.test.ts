// SRV, PTR, TXT, NS and the names around them, read by an independent resolver (c-ares).
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { after, before, suite, test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { SnapshotSource } from '@steelyard/core/model';
import { silentLog } from '../../log.test-bed.ts';
import { type DnsServer, startDnsServer } from '../server/dns-server.ts';

interface Slice {
  readonly service: string;
  readonly addressType?: 'IPv4' | 'IPv6';
  readonly ports: readonly unknown[];
  readonly endpoints: readonly unknown[];
}

function service(name: string, spec: unknown): unknown {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

function slice({ service: name, addressType = 'IPv4', ports, endpoints }: Slice): unknown {
  const metadata = { name: `${name}-${addressType}`.toLowerCase(), labels: { 'kubernetes.io/service-name': name } };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, ports, endpoints };
}

const GRPC = { name: 'grpc', port: 80 };
const OBJECTS = [
  service('backend', { clusterIP: '10.96.0.5', ports: [GRPC, { name: 'dns', port: 53, protocol: 'UDP' }] }),
  slice({ service: 'backend', ports: [{ name: 'grpc', port: 8000 }], endpoints: [{ addresses: ['10.1.0.9'] }] }),
  service('dual', { clusterIPs: ['10.96.0.6', 'fd00::6'], ports: [GRPC] }),
  service('unnamed', { clusterIP: '10.96.0.7', ports: [{ port: 80 }] }),
  service('pods', { clusterIP: 'None', ports: [GRPC] }),
  slice({
    service: 'pods',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: [
      { addresses: ['10.1.0.1'], hostname: 'pod-0' },
      { addresses: ['10.1.0.2'] },
      { addresses: ['10.1.0.3'], conditions: { ready: false } },
    ],
  }),
  slice({
    service: 'pods',
    addressType: 'IPv6',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: [{ addresses: ['fd00::'] }],
  }),
  service('bare', { clusterIP: 'None' }),
  slice({ service: 'bare', ports: [], endpoints: [{ addresses: ['10.1.0.7'] }] }),
  service('numeric', { type: 'ExternalName', externalName: '192.0.2.1' }),
];

function sourceOf(objects: readonly unknown[]): SnapshotSource {
  const documents = objects.map((value, index) => ({ file: `${index}`, value, locate: () => undefined }));
  const current = createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
  return { current, subscribe: () => () => undefined };
}

const ZONE = 'default.svc.cluster.local';

suite('service discovery', () => {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  let server: DnsServer;
  let synced = true;
  before(async () => {
    const listen = { host: '127.0.0.1', port: 0 };
    server = await startDnsServer({
      snapshots: sourceOf(OBJECTS),
      listen,
      zone: 'cluster.local',
      ready: () => synced,
      log: silentLog,
    });
    resolver.setServers([`127.0.0.1:${server.address.port}`]);
  });
  after(() => server.close());

  const services: readonly [string, readonly string[]][] = [
    ['_grpc._tcp.backend', [`80 100 backend.${ZONE}`]],
    ['_GRPC._TCP.backend', [`80 100 backend.${ZONE}`]],
    ['grpc.tcp.backend', [`80 100 backend.${ZONE}`]],
    ['_dns._udp.backend', [`53 100 backend.${ZONE}`]],
    ['backend', [`53 50 backend.${ZONE}`, `80 50 backend.${ZONE}`]],
    ['_grpc._tcp.dual', [`80 50 dual.${ZONE}`]],
    ['pod-0.pods', [`8000 100 pod-0.pods.${ZONE}`]],
    ['_._tcp.unnamed', [`80 100 unnamed.${ZONE}`]],
    [
      '_grpc._tcp.pods',
      [`8000 33 10-1-0-2.pods.${ZONE}`, `8000 33 fd00--0.pods.${ZONE}`, `8000 33 pod-0.pods.${ZONE}`],
    ],
  ];
  for (const [name, expected] of services) {
    test(`SRV ${name}`, async () => {
      const found = await resolver.resolveSrv(`${name}.${ZONE}`);
      assert.deepEqual(found.map((record) => `${record.port} ${record.weight} ${record.name}`).toSorted(), expected);
    });
  }

  const addresses: readonly [string, readonly string[]][] = [
    ['_grpc._tcp.backend', ['10.96.0.5']],
    ['10-1-0-9.backend', ['10.1.0.9']],
    ['pod-0.pods', ['10.1.0.1']],
    ['bare', ['10.1.0.7']],
    ['10-1-0-7.bare', ['10.1.0.7']],
  ];
  for (const [name, expected] of addresses) {
    test(`A ${name}`, async () => assert.deepEqual(await resolver.resolve4(`${name}.${ZONE}`), expected));
  }

  test('AAAA of an address that ends in zeros', async () => {
    assert.deepEqual(await resolver.resolve6(`fd00--0.pods.${ZONE}`), ['fd00::']);
  });

  const pointers: readonly [string, readonly string[]][] = [
    ['10.96.0.5', [`backend.${ZONE}`]],
    ['fd00::6', [`dual.${ZONE}`]],
    ['10.1.0.1', [`pod-0.pods.${ZONE}`]],
    ['10.1.0.2', [`10-1-0-2.pods.${ZONE}`]],
    ['fd00::', [`fd00--0.pods.${ZONE}`]],
  ];
  for (const [address, expected] of pointers) {
    test(`PTR ${address}`, async () => assert.deepEqual(await resolver.reverse(address), expected));
  }

  test('TXT of the version, NS of the zone', async () => {
    assert.deepEqual(await resolver.resolveTxt('dns-version.cluster.local'), [['1.1.0']]);
    assert.deepEqual(await resolver.resolveNs('cluster.local'), ['ns.dns.cluster.local']);
  });

  const failures: readonly [string, string, string][] = [
    ['SRV of a port that is not there', `_nope._tcp.backend.${ZONE}`, 'ENOTFOUND'],
    ['SRV of another protocol', `_grpc._udp.backend.${ZONE}`, 'ENOTFOUND'],
    ['SRV of no port', `_tcp.backend.${ZONE}`, 'ENOTFOUND'],
    ['SRV of a Service without ports', `bare.${ZONE}`, 'ENODATA'],
    ['SRV of an alias to an address', `numeric.${ZONE}`, 'ENOTFOUND'],
    ['SRV of an endpoint by its address when it has a hostname', `10-1-0-1.pods.${ZONE}`, 'ENOTFOUND'],
  ];
  for (const [title, name, code] of failures) {
    test(title, () => assert.rejects(resolver.resolveSrv(name), { code }));
  }

  for (const address of ['10.1.0.3', '10.1.0.4', 'fd00::1']) {
    test(`PTR ${address} is not there`, () => assert.rejects(resolver.reverse(address), { code: 'ENOTFOUND' }));
  }

  const notAddresses = ['0.1.10.in-addr.arpa', '01.0.1.10.in-addr.arpa', '256.0.1.10.in-addr.arpa', '0.ip6.arpa'];
  for (const name of notAddresses) {
    test(`PTR ${name} is not there`, () => assert.rejects(resolver.resolvePtr(name), { code: 'ENOTFOUND' }));
  }

  test('before the first complete state every name of the zone is SERVFAIL', async () => {
    synced = false;
    try {
      await assert.rejects(resolver.resolve4(`backend.${ZONE}`), { code: 'ESERVFAIL' });
      await assert.rejects(resolver.resolve4('example.com'), { code: 'EREFUSED' });
    } finally {
      synced = true;
    }
  });
});

test('/ready, /health and /metrics under the names that CoreDNS has', async (t) => {
  const listen = { host: '127.0.0.1', port: 0 };
  let synced = false;
  const server = await startDnsServer({
    snapshots: sourceOf(OBJECTS),
    listen,
    zone: 'cluster.local',
    ready: () => synced,
    admin: listen,
    moreMetrics: () => 'more 1\n',
    log: silentLog,
  });
  t.after(() => server.close());
  const get = async (path: string): Promise<readonly [number, string]> => {
    const response = await fetch(`http://127.0.0.1:${server.adminAddress?.port}${path}`);
    return [response.status, await response.text()];
  };
  assert.equal((await get('/ready'))[0], 503);
  synced = true;
  assert.equal((await get('/ready'))[0], 200);
  assert.equal((await get('/health'))[0], 200);
  assert.equal((await get('/other'))[0], 404);
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address.port}`]);
  await resolver.resolve4(`backend.${ZONE}`);
  await assert.rejects(resolver.resolveSrv(`none.${ZONE}`));
  const [, text] = await get('/metrics');
  for (const line of [
    'coredns_dns_requests_total{zone="cluster.local.",proto="udp",type="A"} 1',
    'coredns_dns_requests_total{zone="cluster.local.",proto="udp",type="SRV"} 1',
    'coredns_dns_responses_total{zone="cluster.local.",proto="udp",rcode="NXDOMAIN"} 1',
    'more 1',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`);
  }
});
