import { OUTLIER_DETECTION, type SubjectKind } from './subject-kind.ts';

/** What a user of gRPC's terms adds to the DestinationRule. */
const TERMS = {
  'steelyard.dev/load-balancer': 'peak-ewma',
  'steelyard.dev/failure-percentage-ejection': 'threshold=50,minimum-hosts=3,request-volume=10',
};

/** Service, DestinationRule and VirtualService `default/backend`; JSON is YAML. */
export function manifests({ policy, terms, retries }: SubjectKind, ports: readonly number[]): string {
  const istio = (kind: string, spec: object, annotations?: object): object => {
    const metadata = { name: 'backend', namespace: 'default', ...(annotations !== undefined && { annotations }) };
    return { apiVersion: 'networking.istio.io/v1', kind, metadata, spec };
  };
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'backend', namespace: 'default' },
      spec: { clusterIP: '10.97.211.14', ports: [{ name: 'grpc', port: 8000 }] },
    },
    ...ports.map((port) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `backend-${port}`,
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'backend' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port }],
      endpoints: [{ addresses: ['127.0.0.1'] }],
    })),
    istio(
      'DestinationRule',
      {
        host: 'backend',
        trafficPolicy: { loadBalancer: { simple: policy }, outlierDetection: OUTLIER_DETECTION },
      },
      terms ? TERMS : undefined,
    ),
    ...(retries
      ? []
      : [
          istio('VirtualService', {
            hosts: ['backend'],
            http: [{ route: [{ destination: { host: 'backend' } }], retries: { attempts: 0 } }],
          }),
        ]),
  ];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}
