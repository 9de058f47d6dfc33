/** A Kubernetes object as the API server writes it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export const NODE = 'node-a';

/** `10.x.y.z` of the pod `index`, `172.16.y.z` of the Service `index`. */
const podAddress = (index: number): string => `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
const serviceAddress = (index: number): string => `172.${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;

export function nodeObject(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE, uid: 'node', resourceVersion: '1' },
    spec: { podCIDR: '10.0.0.0/8', podCIDRs: ['10.0.0.0/8'] },
    status: { addresses: [{ type: 'InternalIP', address: '192.168.0.2' }] },
  };
}

export function serviceObject(index: number): KubeObject {
  const ip = serviceAddress(index);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `svc-${index}`, namespace: 'default', uid: `s${index}`, resourceVersion: '1' },
    spec: {
      type: 'ClusterIP',
      clusterIP: ip,
      clusterIPs: [ip],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ name: 'grpc', protocol: 'TCP', port: 8000, targetPort: 8000 }],
    },
    status: { loadBalancer: {} },
  };
}

/** @param generation of its first endpoint's address: a change is a new pod in the place of an old one */
export function sliceObject(index: number, endpoints: number, generation: number, resourceVersion: number): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `svc-${index}-1`,
      namespace: 'default',
      uid: `e${index}`,
      resourceVersion: String(resourceVersion),
      labels: { 'kubernetes.io/service-name': `svc-${index}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', protocol: 'TCP', port: 8000 }],
    endpoints: Array.from({ length: endpoints }, (_, at) => ({
      addresses: [
        at === 0 && generation > 0 ? `11.0.${generation >> 8}.${generation & 255}` : podAddress(index * endpoints + at),
      ],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: at % 2 === 0 ? NODE : 'node-b',
    })),
  };
}
