// What upstream's end-to-end tests of Services observe (test/e2e/network), in our words: who answers, and which client
// address the pod sees.
import { CLIENT_IP, NODE_IP, type Place, POD_IPS } from './topology.test-bed.ts';

export const PORT = 8000;
const VIP = '172.30.0.10';
const VIP6 = 'fd00:30::10';
const EXTERNAL_IP = '198.51.100.7';
const LB_IP = '198.51.100.8';
const NODE_PORT = 30_080;

type PodName = keyof typeof POD_IPS;
export type PodState = 'ready' | 'leaving' | 'gone';

export interface Observation {
  readonly from: Place;
  readonly to: string;
  readonly port?: number;
  readonly protocol?: 'TCP' | 'UDP';
  /** All of these answer, and nobody else; or the one fate of all calls. */
  readonly answer: readonly PodName[] | 'ECONNREFUSED' | 'silence';
  /** The client's address as pods see it. */
  readonly seen?: string;
  /** All calls reach the same pod. */
  readonly same?: true;
  /** Only in this mode: where the two differ, as kube-proxy documents. */
  readonly mode?: 'iptables' | 'nftables';
}

export interface Case {
  readonly name: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly pods?: Readonly<Partial<Record<PodName, PodState>>>;
  readonly family?: 'IPv6';
  readonly observe: readonly Observation[];
}

const ALL: Readonly<Partial<Record<PodName, PodState>>> = { a: 'ready', b: 'ready', c: 'ready' };
const nodePort = { type: 'NodePort', ports: [{ name: 'p', port: PORT, nodePort: NODE_PORT }] };
const balancer = { ...nodePort, type: 'LoadBalancer' };
const ingress = { loadBalancer: { ingress: [{ ip: LB_IP, ipMode: 'VIP' }] } };
const local = { externalTrafficPolicy: 'Local' };

export const SERVICE_ADDRESSES = { VIP, VIP6 };

export const CASES: readonly Case[] = [
  {
    name: 'a ClusterIP is served from all pods, for pods, the node and clients outside',
    pods: ALL,
    observe: [
      { from: 'a', to: VIP, answer: ['a', 'b', 'c'] },
      { from: 'node', to: VIP, answer: ['a', 'b', 'c'] },
      { from: 'client', to: VIP, answer: ['a', 'b', 'c'] },
    ],
  },
  {
    name: 'the address of a pod that calls is preserved; a client from outside is masqueraded',
    pods: { c: 'ready' },
    observe: [
      { from: 'a', to: VIP, answer: ['c'], seen: POD_IPS.a },
      // The answer must come back this way: the node takes its own address towards the pod.
      { from: 'client', to: VIP, answer: ['c'], seen: NODE_IP },
    ],
  },
  {
    name: 'a pod reaches itself through its own Service',
    pods: { a: 'ready' },
    observe: [{ from: 'a', to: VIP, answer: ['a'] }],
  },
  {
    name: 'UDP is served, too',
    spec: { ports: [{ name: 'p', port: PORT, protocol: 'UDP' }] },
    pods: ALL,
    observe: [{ from: 'a', to: VIP, protocol: 'UDP', answer: ['a', 'b', 'c'] }],
  },
  {
    name: 'IPv6 is served, too',
    spec: { clusterIP: VIP6, clusterIPs: [VIP6], ipFamilies: ['IPv6'] },
    family: 'IPv6',
    pods: ALL,
    observe: [{ from: 'a', to: VIP6, answer: ['a', 'b', 'c'] }],
  },
  {
    name: 'without endpoints every address refuses',
    spec: { ...balancer, externalIPs: [EXTERNAL_IP] },
    status: ingress,
    pods: {},
    observe: [VIP, EXTERNAL_IP, LB_IP].map((to): Observation => ({ from: 'client', to, answer: 'ECONNREFUSED' })),
  },
  {
    name: 'without endpoints a node port refuses',
    spec: nodePort,
    pods: {},
    observe: [{ from: 'client', to: NODE_IP, port: NODE_PORT, answer: 'ECONNREFUSED' }],
  },
  {
    name: 'a port that the ClusterIP does not have',
    pods: ALL,
    observe: [{ from: 'a', to: VIP, port: 9, answer: 'ECONNREFUSED', mode: 'nftables' }],
  },
  {
    name: 'node ports, policy Cluster: all pods, masqueraded',
    spec: nodePort,
    pods: ALL,
    observe: [{ from: 'client', to: NODE_IP, port: NODE_PORT, answer: ['a', 'b', 'c'] }],
  },
  {
    name: 'node ports, policy Cluster: the pod sees the node',
    spec: nodePort,
    pods: { c: 'ready' },
    observe: [
      { from: 'client', to: NODE_IP, port: NODE_PORT, answer: ['c'], seen: NODE_IP },
      { from: 'node', to: NODE_IP, port: NODE_PORT, answer: ['c'] },
      { from: 'node', to: '127.0.0.1', port: NODE_PORT, answer: ['c'], mode: 'iptables' },
    ],
  },
  {
    name: 'node ports, policy Local: pods of the node only, the client is seen',
    spec: { ...nodePort, ...local },
    pods: ALL,
    observe: [{ from: 'client', to: NODE_IP, port: NODE_PORT, answer: ['a', 'b'], seen: CLIENT_IP }],
  },
  {
    name: 'node ports, policy Local, no pod here: silence',
    spec: { ...nodePort, ...local },
    pods: { c: 'ready' },
    observe: [{ from: 'client', to: NODE_IP, port: NODE_PORT, answer: 'silence' }],
  },
  {
    name: 'policy Local: pods that only terminate are the last resort',
    spec: { ...nodePort, ...local },
    pods: { a: 'leaving', b: 'gone', c: 'ready' },
    observe: [{ from: 'client', to: NODE_IP, port: NODE_PORT, answer: ['a'], seen: CLIENT_IP }],
  },
  {
    name: 'pods that only terminate are the last resort of a ClusterIP',
    pods: { a: 'leaving', b: 'gone', c: 'leaving' },
    observe: [{ from: 'a', to: VIP, answer: ['a', 'c'] }],
  },
  {
    name: 'pods that do not even serve are no resort',
    pods: { a: 'gone', b: 'gone' },
    observe: [{ from: 'c', to: VIP, answer: 'ECONNREFUSED' }],
  },
  {
    name: 'internal policy Local: pods of the node only',
    spec: { internalTrafficPolicy: 'Local' },
    pods: ALL,
    observe: [{ from: 'a', to: VIP, answer: ['a', 'b'] }],
  },
  {
    name: 'internal policy Local, no pod here: silence',
    spec: { internalTrafficPolicy: 'Local' },
    pods: { c: 'ready' },
    observe: [{ from: 'a', to: VIP, answer: 'silence' }],
  },
  {
    name: 'external addresses and those of load balancers',
    spec: { ...balancer, externalIPs: [EXTERNAL_IP] },
    status: ingress,
    pods: ALL,
    observe: [EXTERNAL_IP, LB_IP].map((to): Observation => ({ from: 'client', to, answer: ['a', 'b', 'c'] })),
  },
  {
    name: 'source ranges of a load balancer: who is in them',
    spec: { ...balancer, loadBalancerSourceRanges: [`${CLIENT_IP}/32`] },
    status: ingress,
    pods: { c: 'ready' },
    observe: [
      { from: 'client', to: LB_IP, answer: ['c'] },
      { from: 'a', to: LB_IP, answer: 'silence' },
    ],
  },
  {
    name: 'source ranges of a load balancer: who is not',
    spec: { ...balancer, loadBalancerSourceRanges: ['203.0.113.0/24'] },
    status: ingress,
    pods: { c: 'ready' },
    observe: [
      { from: 'client', to: LB_IP, answer: 'silence' },
      { from: 'client', to: NODE_IP, port: NODE_PORT, answer: ['c'] },
    ],
  },
  {
    name: 'session affinity: one pod for one client',
    spec: { ...nodePort, sessionAffinity: 'ClientIP' },
    pods: ALL,
    observe: [
      { from: 'a', to: VIP, answer: ['a', 'b', 'c'], same: true },
      { from: 'client', to: NODE_IP, port: NODE_PORT, answer: ['a', 'b', 'c'], same: true },
    ],
  },
];
