import assert from 'node:assert/strict';
import { test } from 'node:test';
import { POLICY_BLOCKS, type PolicyBlock } from '../../model/index.ts';
import { compile, destinationRule, service, slice } from '../compile.test-bed.ts';
import { clusterName } from './compile-clusters.ts';

const VALUES: Readonly<Record<PolicyBlock, object>> = {
  loadBalancer: { simple: 'RANDOM' },
  outlierDetection: { interval: '1s' },
  connectionPool: { http: { http2MaxRequests: 1 } },
  retryBudget: { percent: 10 },
  tls: { mode: 'DISABLE' },
};
const FULL = 'backend.default.svc.cluster.local';
const CLUSTER = clusterName(FULL, 8000, 's');

/** Settings of the port may have any block but the budget, which is not in their schema. */
function policyOf(block: PolicyBlock, general: boolean, ofPort: 'absent' | 'other' | 'own'): object | undefined {
  const other = block === 'tls' ? 'loadBalancer' : 'tls';
  const inPort = ofPort === 'own' && block !== 'retryBudget' ? block : other;
  const policy = {
    ...(general && { [block]: VALUES[block] }),
    ...(ofPort !== 'absent' && { portLevelSettings: [{ port: { number: 8000 }, [inPort]: VALUES[inPort] }] }),
  };
  return Object.keys(policy).length === 0 ? undefined : policy;
}

test('a place is told for each block that holds, and for no other', () => {
  const ports = ['absent', 'other', 'own'] as const;
  for (const block of POLICY_BLOCKS) {
    for (const general of [false, true]) {
      for (const port of ports) {
        for (const ofSubset of [false, true]) {
          for (const subsetPort of ports) {
            const trafficPolicy = policyOf(block, general, port);
            const inner = policyOf(block, ofSubset, subsetPort);
            const spec = {
              host: 'backend',
              ...(trafficPolicy !== undefined && { trafficPolicy }),
              subsets: [{ name: 's', ...(inner !== undefined && { trafficPolicy: inner }) }],
            };
            const snapshot = compile([service('backend'), slice('backend', ['p1']), destinationRule('d', spec)]);
            const cluster = snapshot.clusters.get(CLUSTER);
            assert.ok(cluster);
            const why = JSON.stringify([block, spec]);
            // RANDOM is no default.
            const holds =
              block === 'loadBalancer' ? cluster.loadBalancer.kind === 'RANDOM' : cluster[block] !== undefined;
            assert.equal(cluster.policyAt?.[block] !== undefined, holds, why);
            const { object, field } = cluster.policyAt?.[block] ?? {};
            if (holds) assert.deepEqual(object, { kind: 'DestinationRule', namespace: 'default', name: 'd' }, why);
            // What the path leads to is there.
            const path = field?.replace('spec.', '').replace(/portLevelSettings\[port 8000\]/, 'portLevelSettings[0]');
            const found = path?.split(/[.[\]]+/).reduce<unknown>((at, step) => inOf(at, step), spec);
            assert.equal(found !== undefined, holds, `${why} ${field}`);
          }
        }
      }
    }
  }
});

function inOf(at: unknown, step: string): unknown {
  return typeof at === 'object' && at !== null ? new Map<string, unknown>(Object.entries(at)).get(step) : undefined;
}

test('of merged rules the one whose policy it is', () => {
  const subsets = [{ name: 's' }];
  const snapshot = compile([
    service('backend'),
    slice('backend', ['p1']),
    destinationRule('a', { host: 'backend', subsets }),
    destinationRule('b', { host: 'backend', trafficPolicy: { tls: { mode: 'DISABLE' } } }),
  ]);
  assert.deepEqual(snapshot.clusters.get(CLUSTER)?.policyAt, {
    tls: { object: { kind: 'DestinationRule', namespace: 'default', name: 'b' }, field: 'spec.trafficPolicy.tls' },
  });
});
