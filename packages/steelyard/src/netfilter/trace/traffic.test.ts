// What becomes of packets, traced through the rules of both modes: the tables of kube-proxy's own packet-flow tests.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compileNftables } from '../nftables/compile-nftables.ts';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import type { Packet, TraceContext } from './packet.ts';
import type { KubeObject } from '../compile/random-objects.test-bed.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import type { RuleSetOptions } from '../compile/rule-options.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { parseIptablesSave } from '../iptables/parse-iptables-save.ts';
import { renderIptables } from '../iptables/render-iptables.ts';
import { traceConnection } from './trace-connection.ts';

const NODE = { name: 'node-a', zone: 'zone-a', internalIps: ['192.168.0.2'], podCidrs: [] };
const LOCAL: TraceContext = { localAddresses: ['192.168.0.2'] };
const CLUSTER_IP = '172.30.0.41';
const CLIENT = '203.0.113.9';
const POD = '10.0.9.9';

interface Pod {
  readonly ip: string;
  readonly on?: string;
  readonly state?: 'ready' | 'leaving' | 'down';
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
}

/** Two pods, one on our node. */
const TWO: readonly Pod[] = [
  { ip: '10.0.0.1', on: 'node-a' },
  { ip: '10.0.0.2', on: 'node-b' },
];

function objects(spec: object, pods: readonly Pod[], status: object = {}): readonly KubeObject[] {
  const metadata = { name: 'web', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'web' } };
  const base = { clusterIP: CLUSTER_IP, clusterIPs: [CLUSTER_IP], ports: [{ name: 'p', port: 80, nodePort: 30_080 }] };
  const endpoints = pods.map(({ ip, on, state = 'ready', zones = [], nodes = [] }) => ({
    addresses: [ip],
    nodeName: on,
    conditions: { ready: state === 'ready', serving: state !== 'down', terminating: state === 'leaving' },
    hints: { forZones: zones.map((name) => ({ name })), forNodes: nodes.map((name) => ({ name })) },
  }));
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ...base, ...spec }, status },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      ports: [{ name: 'p', port: 8080 }],
      endpoints,
    },
  ];
}

interface Flow {
  readonly name: string;
  readonly spec?: object;
  readonly status?: object;
  readonly pods?: readonly Pod[];
  readonly options?: Partial<RuleSetOptions>;
  readonly packet?: Partial<Packet>;
  /** Addresses, with `!` behind those that see the node's address; or the other fate. */
  readonly expected: readonly string[];
  /** Where nftables differs, as kube-proxy documents. */
  readonly nftables?: readonly string[];
}

const nodePort: Flow['spec'] = { type: 'NodePort' };
const local = { externalTrafficPolicy: 'Local' };
const balancer = { type: 'LoadBalancer' };
const status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } };
const toNode = { destination: '192.168.0.2', port: 30_080, source: CLIENT };
const toBalancer = { destination: '1.2.3.4', source: CLIENT };

const FLOWS: readonly Flow[] = [
  { name: 'cluster IP', expected: ['10.0.0.1', '10.0.0.2'] },
  { name: 'cluster IP from outside', packet: { source: CLIENT }, expected: ['10.0.0.1!', '10.0.0.2!'] },
  { name: 'cluster IP, masqueradeAll', options: { masqueradeAll: true }, expected: ['10.0.0.1!', '10.0.0.2!'] },
  { name: 'hairpin', packet: { source: '10.0.0.1' }, expected: ['10.0.0.1!', '10.0.0.2'] },
  { name: 'an undefined port', packet: { port: 81 }, expected: ['pass'], nftables: ['reject'] },
  { name: 'no endpoints', pods: [], expected: ['reject'] },
  {
    name: 'none ready, some leaving',
    pods: [
      { ip: '10.0.0.1', state: 'leaving' },
      { ip: '10.0.0.2', state: 'down' },
    ],
    expected: ['10.0.0.1'],
  },
  { name: 'internal policy Local', spec: { internalTrafficPolicy: 'Local' }, expected: ['10.0.0.1'] },
  {
    name: 'internal policy Local, none here',
    spec: { internalTrafficPolicy: 'Local' },
    pods: [{ ip: '10.0.0.2', on: 'node-b' }],
    expected: ['drop'],
  },
  { name: 'node port', spec: nodePort, packet: toNode, expected: ['10.0.0.1!', '10.0.0.2!'] },
  { name: 'node port, policy Local', spec: { ...nodePort, ...local }, packet: toNode, expected: ['10.0.0.1'] },
  {
    name: 'node port, policy Local, none here',
    spec: { ...nodePort, ...local },
    pods: [{ ip: '10.0.0.2', on: 'node-b' }],
    packet: toNode,
    expected: ['drop'],
  },
  {
    name: 'node port, policy Local, a pod is not from outside',
    spec: { ...nodePort, ...local },
    packet: { ...toNode, source: POD },
    expected: ['10.0.0.1', '10.0.0.2'],
  },
  {
    name: 'node port, policy Local, from the node itself',
    spec: { ...nodePort, ...local },
    packet: { ...toNode, source: '192.168.0.2', origin: 'host' },
    expected: ['10.0.0.1!', '10.0.0.2!'],
  },
  { name: 'node port without endpoints', spec: nodePort, pods: [], packet: toNode, expected: ['reject'] },
  {
    name: 'node port without endpoints, from the node itself',
    spec: nodePort,
    pods: [],
    packet: { ...toNode, origin: 'host' },
    expected: ['reject'],
  },
  {
    name: 'node port on localhost',
    spec: nodePort,
    packet: { ...toNode, source: '127.0.0.1', destination: '127.0.0.1', origin: 'host' },
    expected: ['10.0.0.1!', '10.0.0.2!'],
    nftables: ['pass'],
  },
  {
    name: 'node port on an address left out',
    spec: nodePort,
    options: { nodePortAddresses: ['10.9.0.0/16'] },
    packet: toNode,
    expected: ['pass'],
  },
  {
    name: 'external IP',
    spec: { externalIPs: ['198.51.100.1'] },
    packet: { destination: '198.51.100.1', source: CLIENT },
    expected: ['10.0.0.1!', '10.0.0.2!'],
  },
  { name: 'load balancer', spec: balancer, status, packet: toBalancer, expected: ['10.0.0.1!', '10.0.0.2!'] },
  {
    name: 'load balancer of mode Proxy',
    spec: balancer,
    status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'Proxy' }] } },
    packet: toBalancer,
    expected: ['pass'],
  },
  {
    name: 'load balancer, a source in its ranges',
    spec: { ...balancer, loadBalancerSourceRanges: ['203.0.113.0/24'] },
    status,
    packet: toBalancer,
    expected: ['10.0.0.1!', '10.0.0.2!'],
  },
  {
    name: 'load balancer, a source in none',
    spec: { ...balancer, loadBalancerSourceRanges: ['198.51.100.0/24'] },
    status,
    packet: toBalancer,
    expected: ['drop'],
  },
  {
    name: 'hints for our zone',
    pods: [
      { ip: '10.0.0.1', zones: ['zone-a'] },
      { ip: '10.0.0.2', zones: ['zone-b'] },
    ],
    expected: ['10.0.0.1'],
  },
  {
    name: 'hints for our node before our zone',
    pods: [
      { ip: '10.0.0.1', zones: ['zone-a'], nodes: ['node-b'] },
      { ip: '10.0.0.2', zones: ['zone-b'], nodes: ['node-a'] },
    ],
    expected: ['10.0.0.2'],
  },
  {
    name: 'hints for others only',
    pods: [
      { ip: '10.0.0.1', zones: ['zone-b'] },
      { ip: '10.0.0.2', zones: ['zone-b'] },
    ],
    expected: ['10.0.0.1', '10.0.0.2'],
  },
  {
    name: 'one without a hint',
    pods: [{ ip: '10.0.0.1', zones: ['zone-a'] }, { ip: '10.0.0.2' }],
    expected: ['10.0.0.1', '10.0.0.2'],
  },
];

function fates(ruleSet: RuleSet, packet: Packet, context: TraceContext = LOCAL): string[] {
  return traceConnection(ruleSet, packet, context)
    .map((each) => (each.kind === 'dnat' ? `${each.address}${each.masqueraded ? '!' : ''}` : each.kind))
    .toSorted();
}

const MODES = { iptables: compileRuleSet, nftables: compileNftables };

for (const mode of ['iptables', 'nftables'] as const) {
  const rules = ({
    spec = {},
    pods = TWO,
    status: state = {},
    options = {},
  }: Omit<Flow, 'name' | 'expected'>): RuleSet => {
    const localPods = { kind: 'network', network: '10.0.0.0/8' } as const;
    return MODES[mode](snapshotOf(objects(spec, pods, state)), { family: 'IPv4', node: NODE, localPods, ...options });
  };
  const packetOf = (fields: Partial<Packet> = {}): Packet => ({
    source: POD,
    destination: CLUSTER_IP,
    port: 80,
    protocol: 'TCP',
    ...fields,
  });

  suite(`${mode}: what becomes of a packet`, () => {
    for (const flow of FLOWS) {
      test(flow.name, () => {
        const expected = mode === 'nftables' ? (flow.nftables ?? flow.expected) : flow.expected;
        assert.deepEqual(fates(rules(flow), packetOf(flow.packet)), expected);
      });
    }

    test('outcomes come in the order of the endpoints', () => {
      const pods = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
      const outcomes = traceConnection(rules({ pods: pods.map((ip) => ({ ip })) }), packetOf(), LOCAL);
      assert.deepEqual(
        outcomes.map((each) => (each.kind === 'dnat' ? each.address : each.kind)),
        pods,
      );
      for (const { probability } of outcomes) assert.ok(Math.abs(probability - 1 / 3) < 1e-8, `${probability}`);
    });

    test('session affinity: a new client is drawn and remembered, a known one goes where it went', () => {
      const ruleSet = rules({ spec: { sessionAffinity: 'ClientIP' } });
      const outcomes = traceConnection(ruleSet, packetOf(), LOCAL);
      assert.deepEqual(fates(ruleSet, packetOf()), ['10.0.0.1', '10.0.0.2']);
      for (const each of outcomes) {
        assert.ok(each.kind === 'dnat' && each.remembers !== undefined);
        assert.deepEqual(fates(ruleSet, packetOf(), { ...LOCAL, remembered: new Set([each.remembers]) }), [
          each.address,
        ]);
      }
    });

    test('session affinity in sets of ipset: the same, also when read back from a dump', () => {
      const ruleSet = rules({ spec: { sessionAffinity: 'ClientIP' }, options: { affinitySets: true } });
      const dump = mode === 'iptables' ? renderIptables(ruleSet, { builtInChains: true }) : undefined;
      const [read = ruleSet] = dump === undefined ? [] : parseIptablesSave(dump).ruleSets;
      for (const each of traceConnection(read, packetOf(), LOCAL)) {
        assert.ok(each.kind === 'dnat' && each.remembers !== undefined);
        if (mode === 'iptables') assert.match(each.remembers, /^KUBE-AFF4-/);
        const remembered = new Set([each.remembers]);
        assert.deepEqual(fates(read, packetOf(), { ...LOCAL, remembered }), [each.address]);
      }
    });

    test('a Service for another proxy has no rules', () => {
      const [service, slice] = objects({}, TWO);
      assert.ok(service !== undefined && slice !== undefined);
      const labels = { 'service.kubernetes.io/service-proxy-name': 'other' };
      const snapshot = snapshotOf([{ ...service, metadata: { ...service.metadata, labels } }, slice]);
      assert.deepEqual(fates(MODES[mode](snapshot, { family: 'IPv4' }), packetOf()), ['pass']);
    });

    test('by interface: what comes in through the pods’ is theirs', () => {
      const ruleSet = rules({ options: { localPods: { kind: 'interfacePrefix', prefix: 'veth' } } });
      assert.deepEqual(fates(ruleSet, packetOf({ inputInterface: 'veth12' })), ['10.0.0.1', '10.0.0.2']);
      assert.deepEqual(fates(ruleSet, packetOf({ inputInterface: 'eth0' })), ['10.0.0.1!', '10.0.0.2!']);
    });
  });
}

test('nftables: unallocated addresses of a ServiceCIDR are dropped', () => {
  const ruleSet = compileNftables(snapshotOf(objects({}, TWO)), {
    family: 'IPv4',
    serviceCidrs: ['172.30.0.0/16', 'fd00::/112'],
  });
  assert.deepEqual(fates(ruleSet, { source: POD, destination: '172.30.9.9', port: 80, protocol: 'TCP' }), ['drop']);
});

test('nftables: a comment never gets longer than the kernel keeps', () => {
  const [service] = objects({ ports: [{ name: 'p'.repeat(15), port: 80 }] }, []);
  assert.ok(service !== undefined);
  const metadata = { name: 's'.repeat(63), namespace: 'n'.repeat(63) };
  const ruleSet = compileNftables(snapshotOf([{ ...service, metadata }]), { family: 'IPv4' });
  const comments = [...(ruleSet.sets?.values() ?? [])].flatMap(({ elements }) =>
    [...elements.values()].map(({ comment }) => comment?.length ?? 0),
  );
  assert.equal(Math.max(...comments), 128);
});
