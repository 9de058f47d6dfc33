import { type ParsedObjects, parseObjects } from '@steelyard/core/config';

/** A Service and its slice, as an API server answers them. */
function serviceObjects(index: number, endpoints: number): readonly object[] {
  const name = `svc-${index}`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: {
        selector: { app: name },
        clusterIP: `10.96.${index >> 8}.${index & 255}`,
        ports: [{ name: 'grpc', port: 8000, targetPort: 8000 }],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-abcde`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port: 8000, protocol: 'TCP' }],
      endpoints: Array.from({ length: endpoints }, (_, pod) => sliceEndpoint(index, pod, true)),
    },
  ];
}

function sliceEndpoint(service: number, pod: number, ready: boolean): object {
  return {
    addresses: [`10.${service >> 8}.${service & 255}.${pod + 1}`],
    conditions: { ready, serving: ready, terminating: false },
    nodeName: `node-${(service + pod) % 50}`,
    zone: `zone-${(service + pod) % 3}`,
    targetRef: { kind: 'Pod', namespace: 'default', name: `svc-${service}-${pod}` },
  };
}

function podObject(service: number, pod: number): object {
  const labels = { app: `svc-${service}`, version: `v${(pod % 2) + 1}` };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: `svc-${service}-${pod}`, namespace: 'default', labels } };
}

/** Every tenth Service has a DestinationRule with two subsets and a VirtualService that shares its calls over them. */
function ruleObjects(index: number): readonly object[] {
  const metadata = { name: `svc-${index}`, namespace: 'default' };
  const apiVersion = 'networking.istio.io/v1';
  const subsets = ['v1', 'v2'].map((version) => ({ name: version, labels: { version } }));
  const route = ['v1', 'v2'].map((subset) => ({ destination: { host: `svc-${index}`, subset }, weight: 50 }));
  return [
    {
      apiVersion,
      kind: 'DestinationRule',
      metadata,
      spec: { host: `svc-${index}`, trafficPolicy: { outlierDetection: { interval: '10s' } }, subsets },
    },
    { apiVersion, kind: 'VirtualService', metadata, spec: { hosts: [`svc-${index}`], http: [{ route }] } },
  ];
}

/** Objects of a cluster: Services, their slices and Pods, and rules. */
export function clusterObjects(services: number, endpoints: number): readonly object[] {
  return Array.from({ length: services }, (_, index) => index).flatMap((index) => [
    ...serviceObjects(index, endpoints),
    ...Array.from({ length: endpoints }, (_, pod) => podObject(index, pod)),
    ...(index % 10 === 0 ? ruleObjects(index) : []),
  ]);
}

/** The slice of a Service in which one endpoint is ready or not. */
export function changedSlice(service: number, endpoints: number, ready: boolean): object {
  const [, slice] = serviceObjects(service, endpoints);
  const rest = Array.from({ length: endpoints - 1 }, (_, pod) => sliceEndpoint(service, pod + 1, true));
  return { ...slice, endpoints: [sliceEndpoint(service, 0, ready), ...rest] };
}

/** One VirtualService of so many rules, each for a method of its own, over so many Services. */
export function routeObjects(rules: number, clusters: number): readonly object[] {
  const services = Array.from({ length: clusters }, (_, index) => serviceObjects(index, 3)).flat();
  const http = Array.from({ length: rules }, (_, index) => ({
    match: [
      index % 2 === 0
        ? { uri: { exact: `/pkg.Service${index}/Method` } }
        : { uri: { prefix: `/pkg.Service${index}/` }, headers: { 'x-user': { exact: `u${index}` } } },
    ],
    route: [{ destination: { host: `svc-${index % clusters}` } }],
  }));
  return [
    ...services,
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'routes', namespace: 'default' },
      spec: { hosts: ['svc-0'], http: [...http, { route: [{ destination: { host: 'svc-0' } }] }] },
    },
  ];
}

export function parse(objects: readonly object[]): ParsedObjects {
  const documents = objects.map((value) => ({ file: 'cluster', value, locate: () => undefined }));
  return parseObjects(documents, { defaultNamespace: 'default' });
}
