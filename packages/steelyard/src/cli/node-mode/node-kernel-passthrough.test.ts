// Node mode in a real kernel, in network namespaces that end with this test: a Service whose calls are the kernel's to balance.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { lacks } from '../../netfilter/apply/kernel-commands.test-bed.ts';
import { assertPinned, CALLS, startKernelBed } from './node-kernel.test-bed.ts';

/** Two Services more with the example's pods: one that its routes lead away from, and where they lead to. */
function manifests(): string {
  const istio = (kind: string, name: string, spec: object): object => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name },
    spec,
  });
  const service = (name: string, clusterIP: string): readonly object[] => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { clusterIP, ports: [{ name: 'grpc', port: 8000 }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port: 8000 }],
      endpoints: ['10.80.128.247', '10.80.153.167', '10.80.167.226'].map((address) => ({ addresses: [address] })),
    },
  ];
  const objects = [
    ...service('front', '10.97.211.98'),
    ...service('passed', '10.97.211.99'),
    istio('VirtualService', 'front', { hosts: ['front'], http: [{ route: [{ destination: { host: 'passed' } }] }] }),
    istio('DestinationRule', 'passed', {
      host: 'passed',
      trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } },
    }),
  ];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

suite('node mode in the kernel: PASSTHROUGH', { skip: lacks() }, () => {
  for (const [dialled, what] of [
    ['10.97.211.98:8000', 'the proxy calls the address of another Service, and never itself'],
    ['10.97.211.99:8000', "the Service's own callers are left to kube-proxy's rules"],
  ] as const) {
    test(what, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'steelyard-passthrough-'));
      t.after(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'passed.yaml'), manifests());
      const bed = await startKernelBed(t, 'nftables', [folder], dialled);
      await bed.startNode();
      assertPinned(await bed.call(CALLS), 'from a pod');
      assertPinned(await bed.call(CALLS, 'node'), 'from the node');
    });
  }
});
