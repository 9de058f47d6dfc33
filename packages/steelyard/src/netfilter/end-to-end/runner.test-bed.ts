// Started by end-to-end.test.ts: `unshare --net --mount --propagation private node runner.test-bed.js MODE`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createIptablesApplier } from '../iptables/iptables-applier.ts';
import { createNftablesApplier } from '../nftables/nftables-applier.ts';
import { compileNftables } from '../nftables/compile-nftables.ts';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import type { KubeObject } from '../compile/random-objects.test-bed.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import type { RuleSetOptions } from '../compile/rule-options.ts';
import { type Case, CASES, type Observation, PORT, SERVICE_ADDRESSES } from './cases.test-bed.ts';
import { buildTopology, CLUSTER_CIDR, NODE_IP, POD_IPS, POD_IPV6S, type Topology } from './topology.test-bed.ts';

/** Calls of an observation: with this many, each of three pods is missed once in 10^5 times. */
const TIMES = 30;
const NODE = { name: 'node-a', internalIps: [NODE_IP], podCidrs: [] };

function objectsOf({ spec = {}, status = {}, pods = {}, family }: Case): readonly KubeObject[] {
  const metadata = { name: 'web', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'web' } };
  const { VIP } = SERVICE_ADDRESSES;
  const base = { clusterIP: VIP, clusterIPs: [VIP], ports: [{ name: 'p', port: PORT }] };
  const service = { ...base, ...spec };
  const addresses = family === 'IPv6' ? POD_IPV6S : POD_IPS;
  const endpoints = (['a', 'b', 'c'] as const).flatMap((pod) => {
    const state = pods[pod];
    if (state === undefined) return [];
    const conditions = { ready: state === 'ready', serving: state !== 'gone', terminating: state !== 'ready' };
    return [{ addresses: [addresses[pod]], nodeName: pod === 'c' ? 'node-b' : 'node-a', conditions }];
  });
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: service, status },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: family ?? 'IPv4',
      ports: service.ports,
      endpoints,
    },
  ];
}

async function observe(topology: Topology, seen: Observation, where: string): Promise<void> {
  const { from, to, port = PORT, protocol = 'TCP', answer } = seen;
  const times = typeof answer === 'string' ? 2 : TIMES;
  // What is dropped says nothing: only patience ends the wait. What is expected to answer may take its time.
  const patienceMs = answer === 'silence' ? 800 : 30_000;
  const answers = await topology.ask(from, { do: 'call', host: to, port, protocol, times, patienceMs });
  const at = `${where}: ${from} calls ${to}:${port}, ${[...new Set(answers)].join(', ')}`;
  if (typeof answer === 'string') return assert.deepEqual([...new Set(answers)], [answer], at);
  const pods = new Set(answers.map((each) => each.split(' ')[0] ?? ''));
  if (seen.same === true) {
    assert.equal(pods.size, 1, at);
    assert.ok(
      answer.some((pod) => pods.has(pod)),
      at,
    );
  } else assert.deepEqual([...pods].toSorted(), answer, at);
  if (seen.seen !== undefined) {
    assert.deepEqual([...new Set(answers.map((each) => each.split(' ')[1]))], [seen.seen], at);
  }
}

async function run(mode: 'iptables' | 'nftables'): Promise<void> {
  const topology = await buildTopology(PORT);
  try {
    const appliers = (['IPv4', 'IPv6'] as const).map((family) => ({
      family,
      applier: mode === 'iptables' ? createIptablesApplier(family) : createNftablesApplier(family),
    }));
    for (const each of CASES) {
      const snapshot = snapshotOf(objectsOf(each));
      for (const { family, applier } of appliers) {
        const options: RuleSetOptions = {
          family,
          node: NODE,
          localAddresses: [NODE_IP],
          ...(family === 'IPv4' && { localPods: { kind: 'network', network: CLUSTER_CIDR } }),
        };
        await applier.apply(
          mode === 'iptables' ? compileRuleSet(snapshot, options) : compileNftables(snapshot, options),
        );
      }
      // A client's port may come again, and with it the flow of an earlier case.
      execFileSync('conntrack', ['-F'], { stdio: 'ignore' });
      for (const seen of each.observe) {
        if (seen.mode === undefined || seen.mode === mode) await observe(topology, seen, `${mode}: ${each.name}`);
      }
    }
    for (const { applier } of appliers) await applier.cleanup();
  } finally {
    topology.close();
  }
  process.stdout.write(`${CASES.length} cases\n`);
}

const [, , mode] = process.argv;
if (mode === 'iptables' || mode === 'nftables') await run(mode);
