import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Snapshot, SnapshotSource } from '@steelyard/core/model';

/** A pod for a test: `127.0.0.1:PORT`, ready. */
export interface TestPod {
  readonly port: number;
}

/** A source whose Snapshot a test replaces: Service `default/backend`, ClusterIP 10.97.211.12, port `grpc` 8000. */
export interface TestSource extends SnapshotSource {
  setPods(pods: readonly TestPod[]): void;
}

export function createTestSource(pods: readonly TestPod[], simple = 'RANDOM'): TestSource {
  const compiler = createCompiler();
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const compile = (list: readonly TestPod[]): Snapshot => {
    const documents = [service, destinationRule(simple), ...list.map(slice)].map((value, i) => ({
      file: `test-${i}.yaml`,
      value,
      locate: () => undefined,
    }));
    return compiler.compile(parseObjects(documents, { defaultNamespace: 'default' }));
  };
  let current = compile(pods);
  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setPods(list) {
      current = compile(list);
      for (const listener of listeners) listener(current);
    },
  };
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'backend', namespace: 'default' },
  spec: { clusterIP: '10.97.211.12', ports: [{ name: 'grpc', port: 8000 }] },
};

function destinationRule(simple: string): unknown {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'backend', namespace: 'default' },
    spec: { host: 'backend', trafficPolicy: { loadBalancer: { simple } } },
  };
}

function slice({ port }: TestPod, position: number): unknown {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `backend-${position}`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'backend' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port }],
    endpoints: [{ addresses: ['127.0.0.1'] }],
  };
}
