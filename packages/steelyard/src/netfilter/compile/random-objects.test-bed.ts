// Seeded Services, EndpointSlices and Nodes over everything that shapes kube-proxy's rules.
import type { Random } from '@steelyard/core/balance';
import { createSeededRandom } from '@steelyard/core/balance';

export interface RandomCase {
  readonly seed: number;
  /** Kubernetes objects as the API server would hand them out. */
  readonly objects: readonly KubeObject[];
  /** Fields of a KubeProxyConfiguration. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: 'Service' | 'EndpointSlice' | 'Node';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export const NODE = 'node-a';
export const NODE_ADDRESSES = ['192.168.0.2', 'fd00:192::2'];
type Choices<T> = readonly [T, ...T[]];

const NODES: Choices<string> = [NODE, 'node-b'];
const ZONES: Choices<string> = ['zone-a', 'zone-b'];
const PROTOCOLS: Choices<string> = ['TCP', 'UDP', 'SCTP'];

export function randomCase(seed: number): RandomCase {
  const random = createSeededRandom(seed);
  const pick = picker(random);
  const node: KubeObject = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE, labels: pick([{ 'topology.kubernetes.io/zone': 'zone-a' }, {}]) },
    spec: { podCIDRs: ['10.244.0.0/24', 'fd00:244::/64'], podCIDR: '10.244.0.0/24' },
    status: { addresses: NODE_ADDRESSES.map((address) => ({ type: 'InternalIP', address })) },
  };
  const count = 1 + Math.floor(random() * 5);
  // More endpoints than kube-proxy writes comments for.
  const isLarge = seed % 40 === 7;
  const services = Array.from({ length: count }, (_, index) => randomService(index, pick));
  const slices = services.flatMap((service, index) => randomSlices(service, index, pick, isLarge && index === 0));
  return { seed, objects: [node, ...services.map(({ object }) => object), ...slices], config: randomConfig(pick) };
}

type Pick = <T>(choices: Choices<T>) => T;

function picker(random: Random): Pick {
  return ([first, ...others]) => {
    const index = Math.floor(random() * (others.length + 1));
    return index === 0 ? first : (others[index - 1] ?? first);
  };
}

function randomConfig(pick: Pick): Record<string, unknown> {
  const detect = pick<object>([
    {},
    { clusterCIDR: '10.244.0.0/16,fd00:244::/48' },
    { clusterCIDR: '10.244.0.0/16' },
    { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cbr0' } },
    { detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'veth' } },
    { detectLocalMode: 'NodeCIDR' },
  ]);
  const masqueradeAll = pick([false, false, true]);
  const masqueradeBit = pick([14, 14, 10]);
  return {
    ...detect,
    nodePortAddresses: pick([
      [],
      [],
      ['192.168.0.0/16'],
      ['primary'],
      ['127.0.0.0/8', '192.168.0.0/16'],
      ['0.0.0.0/0'],
    ]),
    iptables: { masqueradeAll, masqueradeBit, localhostNodePorts: pick([true, true, false]) },
    nftables: { masqueradeAll, masqueradeBit },
  };
}

interface ServiceDraft {
  readonly object: KubeObject;
  readonly name: string;
  readonly families: readonly string[];
  readonly ports: readonly { readonly name: string; readonly protocol: string }[];
}

function randomService(index: number, pick: Pick): ServiceDraft {
  const name = pick([`svc-${index}`, `svc-${index}`, `a-rather-long-name-of-a-service-as-people-write-them-${index}`]);
  const type = pick(['ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer']);
  const families = pick([['IPv4'], ['IPv4', 'IPv6'], ['IPv6']]);
  const addresses = families.map((family) => (family === 'IPv4' ? `172.30.0.${index + 10}` : `fd00:30::${index + 10}`));
  const names = pick([[''], ['grpc'], ['grpc', 'http'], ['a-long-port-name']]);
  const outward = type !== 'ClusterIP';
  const ports = names.map((portName, at) => ({
    name: portName,
    protocol: pick(PROTOCOLS),
    port: 8000 + at,
    targetPort: 9000 + at,
    ...(outward && { nodePort: pick([30_000 + index * 10 + at, 30_000 + index * 10 + at, 0]) }),
  }));
  const externalIPs = pick([undefined, undefined, ['203.0.113.7'], ['203.0.113.7', 'fd00:203::7']])?.map((ip) =>
    ip.replace('7', `${index + 20}`),
  );
  const affinity = pick([false, false, true]);
  const external = outward || externalIPs !== undefined ? pick(['Cluster', 'Local']) : undefined;
  const ranges = pick([
    undefined,
    undefined,
    ['10.0.0.0/8', ' 192.168.0.0/24 '],
    ['203.0.113.0/25'],
    ['fd00:1::/64'],
    ['0.0.0.0/0', '10.0.0.0/8'],
  ]);
  const ingress = pick([
    undefined,
    [{ ip: `1.2.3.${index + 1}`, ipMode: 'VIP' }],
    [{ ip: `1.2.3.${index + 1}` }, { ip: `fd00:2::${index + 1}` }],
    [{ ip: `1.2.4.${index + 1}`, ipMode: 'Proxy' }, { hostname: 'lb.example.com' }],
  ]);
  const labels = pick([{}, {}, {}, {}, {}, { 'service.kubernetes.io/service-proxy-name': 'other' }]);
  const isBalancer = type === 'LoadBalancer';
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'ns', labels },
    spec: {
      type,
      clusterIP: addresses[0],
      clusterIPs: addresses,
      ipFamilies: families,
      ports,
      sessionAffinity: affinity ? 'ClientIP' : 'None',
      ...(affinity && { sessionAffinityConfig: { clientIP: { timeoutSeconds: pick([10_800, 60]) } } }),
      internalTrafficPolicy: pick(['Cluster', 'Cluster', 'Local']),
      ...(external !== undefined && { externalTrafficPolicy: external }),
      ...(externalIPs !== undefined && { externalIPs }),
      ...(isBalancer && external === 'Local' && { healthCheckNodePort: 31_000 + index }),
      ...(isBalancer && ranges !== undefined && { loadBalancerSourceRanges: ranges }),
    },
    status: { loadBalancer: isBalancer && ingress !== undefined ? { ingress } : {} },
  };
  return { object, name, families, ports };
}

function randomSlices(service: ServiceDraft, index: number, pick: Pick, isLarge: boolean): KubeObject[] {
  return service.families.flatMap((family) => {
    const addressOf = (at: number): string =>
      family === 'IPv4'
        ? `10.244.${index + 10 * Math.floor(at / 250)}.${(at % 250) + 1}`
        : `fd00:244:0:${index}::${at + 1}`;
    const drawn = pick([0, 1, 1, 2, 3, 7, 12]);
    const count = isLarge ? 1005 : drawn;
    const hinted = pick(['none', 'none', 'zones', 'nodes', 'both', 'some']);
    const states = pick<Choices<string>>([['ready'], ['ready', 'leaving', 'down'], ['leaving', 'down'], ['down']]);
    const endpoints = Array.from({ length: count }, (_, at) => {
      const hints = {
        ...((hinted === 'zones' || hinted === 'both' || (hinted === 'some' && at > 0)) && {
          forZones: [{ name: pick(ZONES) }],
        }),
        ...((hinted === 'nodes' || hinted === 'both') && { forNodes: [{ name: pick(NODES) }] }),
      };
      return {
        addresses: [addressOf(at)],
        conditions: conditionsOf(pick(states), pick),
        nodeName: pick(NODES),
        ...(Object.keys(hints).length > 0 && { hints }),
      };
    });
    // A copy in a second slice, as while a slice is being split: exact, so that both must agree.
    const copies = pick([false, false, true]) ? endpoints.slice(0, 1) : [];
    return [endpoints, copies]
      .filter((some, at) => at === 0 || some.length > 0)
      .map((some, at): KubeObject => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `${service.name}-${family.toLowerCase()}-${at}`,
          namespace: 'ns',
          labels: { 'kubernetes.io/service-name': service.name },
        },
        addressType: family,
        ports: service.ports.map(({ name, protocol }, number) => ({ name, protocol, port: 9000 + number })),
        endpoints: some,
      }));
  });
}

function conditionsOf(state: string, pick: Pick): Record<string, boolean> {
  if (state === 'ready')
    return pick<Record<string, boolean>>([{}, { ready: true }, { ready: true, serving: true, terminating: false }]);
  if (state === 'leaving') return { ready: false, serving: true, terminating: true };
  return pick([
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: false, terminating: true },
  ]);
}
