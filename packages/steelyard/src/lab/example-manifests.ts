/** The pods of the example, in the cluster that the article tells of. */
const PODS = [
  ['10.80.128.247', 'backend-6d4f9c7b8d-2vqkz'],
  ['10.80.153.167', 'backend-6d4f9c7b8d-9hx7l'],
  ['10.80.167.226', 'backend-6d4f9c7b8d-tq5rn'],
] as const;

const NAMESPACE = 'default';

const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    ...spec,
    selector: { app: 'backend' },
    ports: [{ name: 'grpc', protocol: 'TCP', port: 8000, targetPort: 8000 }],
  },
});

const slice = (name: string, labels: Readonly<Record<string, string>>): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: NAMESPACE, labels },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', protocol: 'TCP', port: 8000 }],
  endpoints: PODS.map(([address, pod]) => ({
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace: NAMESPACE, name: pod },
  })),
});

const rule = (kind: string, spec: object): object => ({
  apiVersion: 'networking.istio.io/v1alpha3',
  kind,
  metadata: { name: 'backend', namespace: NAMESPACE },
  spec,
});

const OBJECTS: readonly object[] = [
  service('backend', { type: 'ClusterIP', clusterIP: '10.97.211.12', clusterIPs: ['10.97.211.12'] }),
  slice('backend-7k2xm', { 'kubernetes.io/service-name': 'backend' }),
  service('backendh', { clusterIP: 'None' }),
  slice('backendh-pw4tn', { 'kubernetes.io/service-name': 'backendh', 'service.kubernetes.io/headless': '' }),
  rule('VirtualService', { hosts: ['backend'], http: [{ route: [{ destination: { host: 'backend' } }] }] }),
  rule('DestinationRule', { host: 'backend', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }),
];

/** What `examples/backend` of the repository says, for the package, which goes without it. YAML. */
export const EXAMPLE_MANIFESTS: string = OBJECTS.map((object) => JSON.stringify(object, null, 2)).join('\n---\n');
