import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Snapshot } from '@steelyard/core/model';
import { createPortSelector, selectPorts } from './select-ports.ts';

function snapshotOf(objects: readonly object[]): Snapshot {
  const documents = objects.map((value) => ({ file: 'a.yaml', value, locate: () => undefined }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

interface Fields {
  readonly spec?: object;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly rule?: boolean;
}

function objectsOf(port: object, { spec = {}, annotations = {}, labels = {}, rule = false }: Fields): object[] {
  const metadata = { name: 'web', namespace: 'ns', annotations, labels };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { clusterIP: '172.30.0.1', ports: [{ port: 80, ...port }], ...spec },
  };
  const virtualService = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'v', namespace: 'ns' },
    spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web' } }] }] },
  };
  return rule ? [service, virtualService] : [service];
}

const grpc = (value: string): Fields => ({ annotations: { 'steelyard.dev/grpc': value } });

const cases: readonly (readonly [port: object, fields: Fields, because: string | RegExp])[] = [
  [{ name: 'grpc' }, {}, 'port name grpc'],
  [{ name: 'grpc-admin' }, {}, 'port name grpc-admin'],
  [{ name: 'http2' }, {}, 'port name http2'],
  [{ name: 'web', appProtocol: 'GRPC' }, {}, 'appProtocol GRPC'],
  [{ name: 'http', appProtocol: 'kubernetes.io/h2c' }, {}, 'appProtocol kubernetes.io/h2c'],
  [{ name: 'web' }, { rule: true }, 'VirtualService ns/v'],
  [{}, { rule: true }, 'VirtualService ns/v'],
  [{ name: 'http' }, grpc('true'), 'annotation steelyard.dev/grpc'],
  [{ name: 'http' }, grpc('80'), 'annotation steelyard.dev/grpc'],
  [{ name: 'grpc' }, { ...grpc('true'), spec: { sessionAffinity: 'ClientIP' } }, 'annotation steelyard.dev/grpc'],
  [{ name: 'web' }, {}, /nothing says that it carries gRPC/],
  [{ name: 'grpc-web' }, {}, /another protocol/],
  [{ name: 'grpc', appProtocol: 'https' }, {}, /appProtocol https is not gRPC/],
  [{ name: 'http-api' }, { rule: true }, /another protocol/],
  [{ name: 'grpc' }, grpc('false'), /steelyard.dev\/grpc leaves it out/],
  [{ name: 'grpc' }, { spec: { sessionAffinity: 'ClientIP' } }, /sessionAffinity/],
  [{ name: 'grpc' }, { spec: { internalTrafficPolicy: 'Local' } }, /internalTrafficPolicy/],
  [{ name: 'grpc' }, { ...grpc('true'), spec: { internalTrafficPolicy: 'Local' } }, /internalTrafficPolicy/],
  [{ name: 'grpc' }, { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } }, /leaves the Service to x/],
];

suite('which ports node mode takes', () => {
  for (const [port, fields, because] of cases) {
    const name = `${JSON.stringify(port)} ${JSON.stringify(fields)}`;
    test(name, () => {
      const { balanced, left } = selectPorts(snapshotOf(objectsOf(port, fields)));
      if (typeof because === 'string') {
        assert.deepEqual(
          balanced.map((each) => each.because),
          [because],
        );
        assert.deepEqual(left, []);
      } else {
        assert.deepEqual(balanced, []);
        assert.match(left.map((each) => each.because).join(), because);
      }
    });
  }

  test('internalTrafficPolicy Local is kept where the Node is known', () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } };
    const objects = objectsOf({ name: 'grpc' }, { spec: { internalTrafficPolicy: 'Local' } });
    assert.equal(selectPorts(snapshotOf([...objects, node]), 'node-a').balanced.length, 1);
    assert.equal(selectPorts(snapshotOf([...objects, node]), 'node-b').balanced.length, 0);
    assert.equal(selectPorts(snapshotOf(objects), 'node-a').balanced.length, 0);
  });

  test('PASSTHROUGH leaves a port to kube-proxy, and so does that of a subset', () => {
    const rule = (spec: object): object => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'd', namespace: 'ns' },
      spec: { host: 'web', ...spec },
    });
    const passes = { trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } };
    const addresses = { clusterIPs: ['172.30.0.1', 'fd00::1'], ipFamilies: ['IPv4', 'IPv6'] };
    const objects = objectsOf({ name: 'grpc' }, { spec: addresses });
    const left = (more: readonly object[], from = objects): readonly string[] => {
      const choice = selectPorts(snapshotOf([...from, ...more]));
      return [...choice.left.map(({ because }) => because), ...choice.balanced.flatMap((port) => port.addresses)];
    };
    assert.deepEqual(left([rule(passes)]), ['PASSTHROUGH leaves the choice of a pod to the kernel']);
    assert.deepEqual(left([rule(passes)], objectsOf({ name: 'grpc' }, { spec: addresses, rule: true })), [
      'PASSTHROUGH leaves the choice of a pod to the kernel; VirtualService ns/v has no effect on its calls then',
    ]);
    // Calls to the subset go to the Service's first address, which must not lead back to the proxy.
    assert.deepEqual(left([rule({ subsets: [{ name: 's', ...passes }] })]), [
      'its address is one that calls are sent to: the proxy would call itself',
      'fd00::1',
    ]);
    assert.deepEqual(left([]), ['172.30.0.1', 'fd00::1']);
  });

  test("headless Services and other protocols are nobody's business here", () => {
    const spec = { clusterIP: 'None' };
    assert.deepEqual(selectPorts(snapshotOf(objectsOf({ name: 'grpc' }, { spec }))), { balanced: [], left: [] });
    const udp = selectPorts(snapshotOf(objectsOf({ name: 'grpc', protocol: 'UDP' }, {})));
    assert.deepEqual(udp, { balanced: [], left: [] });
  });

  test('an address that the proxy calls is never sent to the proxy', () => {
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'other-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'other' } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port: 80 }],
      endpoints: [{ addresses: ['172.30.0.1'] }],
    };
    const other = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'other', namespace: 'ns' },
      spec: { clusterIP: '172.30.0.2', ports: [{ name: 'grpc', port: 80 }] },
    };
    const web = objectsOf({ name: 'grpc' }, {});
    const select = createPortSelector();
    const namesOf = (objects: readonly object[]): string[] =>
      select(snapshotOf(objects)).balanced.map(({ name }) => name);
    // The Service comes after the endpoints that have its address, and goes before them.
    assert.deepEqual(namesOf([other, slice]), ['other']);
    assert.deepEqual(namesOf([...web, other, slice]), ['other']);
    const { left } = select(snapshotOf([...web, other, slice]));
    assert.match(left.map(({ name, because }) => `${name}: ${because}`).join(), /^web: .*would call itself$/);
    assert.deepEqual(namesOf([...web, other]), ['other', 'web']);
  });
});
