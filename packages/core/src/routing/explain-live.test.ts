import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster, Endpoint } from '../model/index.ts';
import { explainPolicy } from './explain-policy.ts';
import { sharesOf } from './explain-shares.ts';
import { explainWatch } from './explain-watch.ts';
import type { LiveEndpoint, LiveState } from './live-state.ts';

const READY = { ready: true, serving: true, terminating: false };

function clusterOf(count: number, more: Partial<Cluster> = {}): Cluster {
  const endpoints = Array.from({ length: count }, (_, index): Endpoint => {
    return { address: `10.0.0.${index + 1}`, port: 80, family: 'IPv4', conditions: READY };
  });
  const host = 'backend.default.svc.cluster.local';
  const loadBalancer = { kind: 'ROUND_ROBIN' } as const;
  return { name: 'c', host, port: 80, subset: '', loadBalancer, endpoints, ...more };
}

function state(more: Partial<LiveEndpoint> = {}): LiveEndpoint {
  return { ejected: false, unhealthy: false, activeRequests: 0, words: 'idle', ...more };
}

/** State by the last octet of the address. */
function liveOf(states: Readonly<Record<string, LiveEndpoint>>): LiveState {
  return (_, endpoint) => states[endpoint.split(/[.:]/)[3] ?? ''];
}

const LEAST_REQUEST = { loadBalancer: { kind: 'LEAST_REQUEST', choiceCount: 2 } } as const;
const PEAK_EWMA = { extensions: { policy: { kind: 'PEAK_EWMA' } } } as const;

interface Case {
  readonly is: string;
  readonly cluster: Cluster;
  readonly live?: Readonly<Record<string, LiveEndpoint>>;
  /** By endpoint, to the percent. */
  readonly shares: Readonly<Record<string, number>>;
  readonly exact: boolean;
}

const group = (locality: string, priority: number, members: readonly number[]) => {
  return { locality, priority, weight: members.length, members };
};

const CASES: readonly Case[] = [
  { is: 'all alike', cluster: clusterOf(2), shares: { 1: 50, 2: 50 }, exact: true },
  {
    is: 'what is ejected gets nothing',
    cluster: clusterOf(3),
    live: { 1: state({ ejected: true }) },
    shares: { 2: 50, 3: 50 },
    exact: true,
  },
  {
    is: 'what checks find sick gets nothing',
    cluster: clusterOf(3),
    live: { 3: state({ unhealthy: true }) },
    shares: { 1: 50, 2: 50 },
    exact: true,
  },
  {
    is: 'checks that find all sick are not believed',
    cluster: clusterOf(2),
    live: { 1: state({ unhealthy: true }), 2: state({ unhealthy: true }) },
    shares: { 1: 50, 2: 50 },
    exact: true,
  },
  {
    is: 'the first place is whole enough',
    cluster: clusterOf(5, { localities: [group('a', 0, [0, 1, 2, 3]), group('b', 1, [4])] }),
    live: { 1: state({ ejected: true }) },
    shares: { 2: 33, 3: 33, 4: 33 },
    exact: true,
  },
  {
    is: 'the next place takes over',
    cluster: clusterOf(5, { localities: [group('a', 0, [0, 1, 2, 3]), group('b', 1, [4])] }),
    live: { 1: state({ ejected: true }), 2: state({ ejected: true }), 3: state({ ejected: true }) },
    shares: { 4: 35, 5: 65 },
    exact: true,
  },
  {
    is: 'least request while all are idle',
    cluster: clusterOf(2, LEAST_REQUEST),
    shares: { 1: 50, 2: 50 },
    exact: false,
  },
  {
    is: 'least request goes by the calls under way',
    cluster: clusterOf(3, LEAST_REQUEST),
    live: { 1: state({ activeRequests: 9 }), 2: state(), 3: state() },
    shares: { 1: 0, 2: 50, 3: 50 },
    exact: false,
  },
  {
    is: 'peak EWMA goes by latency',
    cluster: clusterOf(2, PEAK_EWMA),
    live: { 1: state({ latencyMs: 200 }), 2: state({ latencyMs: 5 }) },
    shares: { 1: 0, 2: 100 },
    exact: false,
  },
  {
    is: 'a newcomer has the part of a share that its age gives it',
    cluster: clusterOf(3),
    live: { 2: state({ warmth: 0.5 }) },
    shares: { 1: 40, 2: 20, 3: 40 },
    exact: false,
  },
  {
    is: 'an idle newcomer stands back from calls that least request would give it',
    cluster: clusterOf(3, LEAST_REQUEST),
    live: { 1: state({ activeRequests: 1 }), 2: state({ warmth: 0.5 }), 3: state({ activeRequests: 1 }) },
    // Drawn in two of three picks, and taken in every second of these: 1/3, as much as the others together.
    shares: { 1: 25, 2: 50, 3: 25 },
    exact: false,
  },
  {
    is: 'newcomers that no draw passes by get the call in the end',
    cluster: clusterOf(2, LEAST_REQUEST),
    live: { 1: state({ activeRequests: 5 }), 2: state({ warmth: 0 }) },
    shares: { 1: 0, 2: 100 },
    exact: false,
  },
  {
    is: 'where all are new nobody stands back',
    cluster: clusterOf(2),
    live: { 1: state({ warmth: 0.2 }), 2: state({ warmth: 0.2 }) },
    shares: { 1: 50, 2: 50 },
    exact: false,
  },
  {
    is: 'what fails fast counts as busy',
    cluster: clusterOf(3, LEAST_REQUEST),
    live: { 1: state({ handicap: 50 }), 2: state(), 3: state() },
    shares: { 1: 0, 2: 50, 3: 50 },
    exact: false,
  },
  {
    is: 'load reports make weights; who has none counts as one of the mean',
    cluster: clusterOf(3, { extensions: { policy: { kind: 'WEIGHTED_ROUND_ROBIN' } } }),
    live: { 1: state({ weight: 300 }), 2: state({ weight: 100 }) },
    shares: { 1: 50, 2: 17, 3: 33 },
    exact: false,
  },
  {
    is: 'a subset is another one for each proxy',
    cluster: clusterOf(4, { extensions: { subsetSize: 2 } }),
    shares: { 1: 25, 2: 25, 3: 25, 4: 25 },
    exact: false,
  },
];

test('shares follow what is in use, how busy and how fast it is', () => {
  for (const { is, cluster, live = {}, shares, exact } of CASES) {
    const found = sharesOf(cluster, undefined, liveOf(live));
    const rounded = found.map(({ endpoint, share }) => [endpoint.split(/[.:]/)[3], Math.round(share * 100)]);
    // Those that are drawn are right to a percent or so.
    for (const [endpoint, share] of Object.entries(shares)) {
      const got = rounded.find(([key]) => key === endpoint)?.[1] ?? -1;
      assert.ok(Math.abs(Number(got) - share) <= (exact ? 0 : 2), `${is}: ${JSON.stringify(rounded)}`);
    }
    assert.equal(rounded.length, Object.keys(shares).length, is);
    assert.deepEqual([...new Set(found.map((one) => one.exact))], [exact], is);
  }
});

test('of a subset the endpoints that this proxy uses are told', () => {
  const cluster = clusterOf(4, { extensions: { subsetSize: 2 } });
  const live = liveOf({ 1: state({ leftOut: true }), 2: state(), 3: state({ leftOut: true }), 4: state() });
  const { step, shares } = explainPolicy(cluster, { path: '/a' }, live);
  assert.deepEqual(
    shares.map(({ endpoint, share }) => [endpoint, share]),
    [
      ['10.0.0.2:80', 0.5],
      ['10.0.0.4:80', 0.5],
    ],
  );
  assert.deepEqual(step.because, ['This proxy uses 2 of the 4 endpoints, chosen once at random.']);
});

test('nothing in use, no share', () => {
  const gone = state({ ejected: true });
  assert.deepEqual(sharesOf(clusterOf(2), undefined, liveOf({ 1: gone, 2: gone })), []);
});

test('the policy is that of the annotation, and the step says whose', () => {
  const object = { kind: 'Service', namespace: 'default', name: 'backend' };
  const cluster = clusterOf(3, { ...PEAK_EWMA, annotations: [{ setting: 'policy', object }] });
  const { step } = explainPolicy(cluster, { path: '/a' }, () => undefined);
  assert.deepEqual([step.object, step.field], [object, 'metadata.annotations[steelyard.dev/load-balancer]']);
  assert.match(step.decision, /^PEAK_EWMA: /);
});

test('what watches over endpoints is told, or that nothing does', () => {
  assert.equal(explainWatch(clusterOf(1)), undefined);
  const object = { kind: 'DestinationRule', namespace: 'default', name: 'd' };
  const healthCheck = { service: '', intervalMs: 5000, timeoutMs: 1000, unhealthyThreshold: 2, healthyThreshold: 1 };
  const step = explainWatch(
    clusterOf(1, {
      connectionPool: { maxRequests: 7 },
      extensions: { healthCheck, hedging: { maxAttempts: 2, delayMs: 50 } },
      annotations: [{ setting: 'healthCheck', object }],
    }),
  );
  assert.deepEqual(step?.because, [
    'connectionPool: at most 7 calls at a time.',
    'steelyard.dev/health-check of DestinationRule default/d: the server is asked for its health every 5000 ms.',
    'steelyard.dev/hedging: a call without an answer after 50 ms is sent again, 2 attempts in all at most.',
  ]);
});
