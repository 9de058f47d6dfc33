import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Snapshot, SnapshotSource } from '@steelyard/core/model';
import { createManualSource } from './manual-source.ts';

/** A pod for a test: `127.0.0.1:PORT`, ready. */
export interface TestPod {
  readonly port: number;
}

/** A source whose Snapshot a test replaces: Service `default/backend`, ClusterIP 10.97.211.12, port `grpc` 8000. */
export interface TestSource extends SnapshotSource {
  setPods(pods: readonly TestPod[]): void;
}

/** What of the rules is not as it comes. */
export interface TestRules {
  /** `retries.attempts` of a VirtualService; without there is none, and Istio's default policy holds. */
  readonly attempts?: number;
}

export function createTestSource(
  pods: readonly TestPod[],
  simple = 'RANDOM',
  { attempts }: TestRules = {},
): TestSource {
  const compiler = createCompiler();
  const compile = (list: readonly TestPod[]): Snapshot => {
    const rules = attempts === undefined ? [] : [virtualService(attempts)];
    const documents = [service, destinationRule(simple), ...rules, ...list.map(slice)].map((value, i) => ({
      file: `test-${i}.yaml`,
      value,
      locate: () => undefined,
    }));
    return compiler.compile(parseObjects(documents, { defaultNamespace: 'default' }));
  };
  const source = createManualSource(compile(pods));
  return {
    get current() {
      return source.current;
    },
    subscribe: (listener) => source.subscribe(listener),
    setPods: (list) => source.publish(compile(list)),
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

function virtualService(attempts: number): unknown {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'backend', namespace: 'default' },
    spec: {
      hosts: ['backend'],
      http: [{ retries: { attempts }, route: [{ destination: { host: 'backend' } }] }],
    },
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
