import { createCompiler } from '../compile/index.ts';
import { parseObjects } from '../config/index.ts';
import type { Snapshot } from '../model/index.ts';

export const service = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ name: 'grpc', port: 8000 }] },
});
/** Of `backend`: `p1` and `p2` are ready, `p3` is not. */
export const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', port: 8000 }],
  endpoints: [1, 2, 3].map((n) => ({
    addresses: [`10.0.0.${n}`],
    conditions: { ready: n !== 3 },
    targetRef: { kind: 'Pod', name: `p${n}` },
  })),
};
export const pod = (n: number): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${n}`, labels: { v: String(n) } },
});
export const istio = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name },
  spec,
});

export function snapshotOf(objects: readonly object[]): Snapshot {
  const documents = objects.map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}
