import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationRule } from './config-object.ts';
import { parseObjects } from './parse-objects.ts';

function parse(fields: object): { rule: DestinationRule | undefined; findings: string[] } {
  const value = {
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'DestinationRule',
    metadata: { name: 'd', creationTimestamp: '2026-01-02T03:04:05Z' },
    spec: { host: 'a', ...fields },
  };
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'home',
  });
  const object = objects[0]?.object;
  return {
    rule: object?.kind === 'DestinationRule' ? object : undefined,
    findings: diagnostics.map(({ code, path }) => `${code} ${path ?? ''}`),
  };
}

const leastRequest = { kind: 'LEAST_REQUEST', choiceCount: 2 };

const header = { httpHeaderName: 'X-User' };
const userKey = { kind: 'header', name: 'x-user' };

const SIMPLE: readonly [object, object, readonly string[]][] = [
  [{ simple: 'RANDOM' }, { kind: 'RANDOM' }, []],
  [{ simple: 'ROUND_ROBIN' }, { kind: 'ROUND_ROBIN' }, []],
  [{ simple: 'LEAST_REQUEST' }, leastRequest, []],
  [{ simple: 'UNSPECIFIED' }, leastRequest, []],
  [{}, leastRequest, []],
  [{ simple: 'PASSTHROUGH' }, { kind: 'PASSTHROUGH' }, []],
];

test('every word of loadBalancer is a policy, and what is not honoured is said', () => {
  for (const [loadBalancer, expected, fields] of SIMPLE) {
    const { rule, findings } = parse({ trafficPolicy: { loadBalancer } });
    const names = expected !== leastRequest || ('simple' in loadBalancer && loadBalancer.simple !== 'UNSPECIFIED');
    assert.deepEqual(rule?.trafficPolicy, { loadBalancer: expected, ...(!names && { unspecified: true }) });
    assert.deepEqual(
      findings,
      fields.map((field) => `field-not-honoured spec.trafficPolicy.loadBalancer.${field}`),
    );
  }
});

const HASHES: readonly [object, object][] = [
  [header, { kind: 'RING_HASH', minimumRingSize: 1024, key: userKey }],
  [
    { ...header, minimumRingSize: 64 },
    { kind: 'RING_HASH', minimumRingSize: 64, key: userKey },
  ],
  [
    { ...header, ringHash: { minimumRingSize: 9 } },
    { kind: 'RING_HASH', minimumRingSize: 9, key: userKey },
  ],
  [
    { ...header, maglev: { tableSize: 251 } },
    { kind: 'MAGLEV', tableSize: 251, key: userKey },
  ],
  [
    { httpQueryParameterName: 'q' },
    { kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'query-parameter', name: 'q' } },
  ],
  [
    { httpCookie: { name: 'c', path: '/' } },
    { kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'cookie', name: 'c', path: '/' } },
  ],
  [{ useSourceIp: true }, { kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'source-address' } }],
];

test('consistent hashing by each key and each algorithm', () => {
  for (const [consistentHash, expected] of HASHES) {
    const { rule } = parse({ trafficPolicy: { loadBalancer: { consistentHash } } });
    assert.deepEqual(rule?.trafficPolicy, { loadBalancer: expected });
  }
});

/** Read in full; the last is what of it the data plane does not honour. */
const POLICY_FIELDS: readonly [object, object, string | undefined][] = [
  [
    { loadBalancer: { simple: 'RANDOM', warmup: { duration: '5s' } } },
    {
      loadBalancer: { kind: 'RANDOM' },
      warmup: { durationMs: 5000, minimumPercent: 10, aggression: 1 },
    },
    undefined,
  ],
  [{ connectionPool: { http: { http2MaxRequests: 1 } } }, { connectionPool: { maxRequests: 1 } }, undefined],
  [
    { outlierDetection: { interval: '1s', consecutive5xxErrors: 3 } },
    {
      outlierDetection: {
        consecutive5xxErrors: 3,
        consecutiveGatewayErrors: 0,
        splitExternalLocalOriginErrors: false,
        consecutiveLocalOriginFailures: 5,
        intervalMs: 1000,
        baseEjectionTimeMs: 30_000,
        maxEjectionPercent: 10,
        minHealthPercent: 0,
      },
    },
    undefined,
  ],
  [{ retryBudget: { percent: 30 } }, { retryBudget: { percent: 30, minRetryConcurrency: 3 } }, undefined],
  [
    { retryBudget: { minRetryConcurrency: 0, budgetInterval: '10s' } },
    { retryBudget: { percent: 20, minRetryConcurrency: 3, intervalMs: 10_000 } },
    undefined,
  ],
  [
    { retryBudget: { minRetryConcurrency: 1, budgetInterval: '0s' } },
    { retryBudget: { percent: 20, minRetryConcurrency: 1 } },
    undefined,
  ],
  [
    { tls: { mode: 'ISTIO_MUTUAL' } },
    { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: [], insecureSkipVerify: false } },
    'tls.mode',
  ],
  [
    { tls: { mode: 'SIMPLE', credentialName: 'c' } },
    { tls: { mode: 'SIMPLE', credentialName: 'c', subjectAltNames: [], insecureSkipVerify: false } },
    'tls.credentialName',
  ],
  [
    { connectionPool: { tcp: { tcpKeepalive: { probes: 3, time: '1s' } } } },
    { connectionPool: { tcpKeepalive: { probes: 3, timeMs: 1000 } } },
    'connectionPool.tcp.tcpKeepalive.probes',
  ],
  [{ connectionPool: { tcp: { idleTimeout: '0s' } } }, { connectionPool: { idleTimeoutMs: 0 } }, undefined],
  [
    { connectionPool: { tcp: { idleTimeout: '0s' }, http: { idleTimeout: '5s' } } },
    { connectionPool: { idleTimeoutMs: 5000 } },
    undefined,
  ],
  [{ tls: { mode: 'DISABLE' } }, { tls: 'DISABLE' }, undefined],
];

test('each block of a traffic policy is read, and reported where it is not honoured', () => {
  for (const [trafficPolicy, expected, field] of POLICY_FIELDS) {
    const { rule, findings } = parse({ trafficPolicy });
    assert.deepEqual(findings, field === undefined ? [] : [`field-not-honoured spec.trafficPolicy.${field}`]);
    assert.deepEqual(rule?.trafficPolicy, expected);
  }
});

test('settings of a port stand beside the others', () => {
  const portLevelSettings = [{ port: { number: 8000 }, loadBalancer: { simple: 'RANDOM' } }];
  const { rule, findings } = parse({ trafficPolicy: { portLevelSettings } });
  assert.deepEqual(findings, []);
  assert.deepEqual(rule?.trafficPolicy?.ports?.get(8000), { loadBalancer: { kind: 'RANDOM' } });
});

test('what does not concern gRPC, is deprecated, or nobody knows, is said', () => {
  const cases: readonly [object, string][] = [
    [{ tunnel: { targetHost: 'x' } }, 'field-without-effect spec.trafficPolicy.tunnel'],
    [
      { loadBalancer: { simple: 'PASSTHROUGH', warmup: { duration: '5s' } } },
      'field-without-effect spec.trafficPolicy.loadBalancer.warmup',
    ],
    [{ loadBalancer: { simple: 'LEAST_CONN' } }, 'deprecated-field spec.trafficPolicy.loadBalancer.simple'],
    [{ proxyProtocol: { version: 'V1' } }, 'field-without-effect spec.trafficPolicy.proxyProtocol'],
    [{ loadbalancer: {}, loadBalancer: {} }, 'unknown-field spec.trafficPolicy.loadbalancer'],
  ];
  for (const [trafficPolicy, finding] of cases) {
    const { rule, findings } = parse({ trafficPolicy });
    assert.deepEqual(findings, [finding]);
    assert.notEqual(rule, undefined);
  }
});

test('subsets have names, labels and a policy', () => {
  const subsets = [
    { name: 'v1', labels: { version: 'v1' }, trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
    { name: 'all' },
  ];
  const { rule, findings } = parse({ subsets });
  assert.deepEqual(findings, []);
  assert.equal(rule?.createdAtMs, Date.UTC(2026, 0, 2, 3, 4, 5));
  assert.deepEqual(
    rule?.subsets.map(({ place: _place, ...subset }) => subset),
    [
      { name: 'v1', labels: { version: 'v1' }, trafficPolicy: { loadBalancer: { kind: 'RANDOM' } } },
      { name: 'all', labels: {} },
    ],
  );
});

test('a rule for some clients only says which', () => {
  const { rule, findings } = parse({ workloadSelector: { matchLabels: { app: 'x' } } });
  assert.deepEqual([rule?.workloadSelector, findings], [{ app: 'x' }, []]);
});

function wrongPolicies(cases: readonly [object, string][]): [object, string][] {
  return cases.map(([trafficPolicy, path]) => [{ trafficPolicy }, `invalid-value spec.trafficPolicy.${path}`]);
}

const WRONG: readonly [object, string][] = [
  [{ host: null }, 'missing-field spec'],
  [{ host: 'a b' }, 'invalid-value spec.host'],
  [{ trafficPolicy: {} }, 'invalid-value spec.trafficPolicy'],
  [{ trafficPolicy: { loadBalancer: { simple: 'random' } } }, 'invalid-value spec.trafficPolicy.loadBalancer.simple'],
  [
    { trafficPolicy: { loadBalancer: { simple: 'RANDOM', consistentHash: { useSourceIp: true } } } },
    'invalid-value spec.trafficPolicy.loadBalancer.consistentHash',
  ],
  ...wrongPolicies([
    [{ loadBalancer: { consistentHash: {} } }, 'loadBalancer.consistentHash'],
    [{ loadBalancer: { consistentHash: { ...header, useSourceIp: true } } }, 'loadBalancer.consistentHash'],
    [
      { loadBalancer: { consistentHash: { ...header, maglev: { tableSize: 100 } } } },
      'loadBalancer.consistentHash.maglev.tableSize',
    ],
    [
      { loadBalancer: { consistentHash: { ...header, maglev: { tableSize: 251 }, ringHash: {} } } },
      'loadBalancer.consistentHash.maglev',
    ],
    [{ loadBalancer: { localityLbSetting: {}, zoneAwareLbSetting: {} } }, 'loadBalancer.zoneAwareLbSetting'],
    [{ loadBalancer: { warmup: { duration: '1s', aggression: 0 } } }, 'loadBalancer.warmup.aggression'],
    [{ connectionPool: {} }, 'connectionPool'],
    [{ connectionPool: { tcp: { connectTimeout: '0s' } } }, 'connectionPool.tcp.connectTimeout'],
    [{ connectionPool: { http: { maxRetries: -1 } } }, 'connectionPool.http.maxRetries'],
    [{ outlierDetection: { maxEjectionPercent: 101 } }, 'outlierDetection.maxEjectionPercent'],
    [{ outlierDetection: { consecutiveLocalOriginFailures: 3 } }, 'outlierDetection.consecutiveLocalOriginFailures'],
    [{ tls: { mode: 'MUTUAL' } }, 'tls.mode'],
    [{ tls: { mode: 'ISTIO_MUTUAL', privateKey: '/k' } }, 'tls.privateKey'],
    [{ portLevelSettings: [{ port: { number: 0 } }] }, 'portLevelSettings[0].port.number'],
  ]),
  [{ subsets: [{ labels: {} }] }, 'missing-field spec.subsets[0]'],
  [{ subsets: [{ name: 'V1' }] }, 'invalid-value spec.subsets[0].name'],
  [{ subsets: [{ name: 'v1' }, { name: 'v1' }] }, 'invalid-value spec.subsets[1].name'],
  [{ subsets: [{ name: 'v1', labels: { version: 1 } }] }, 'wrong-type spec.subsets[0].labels.version'],
];

test('what is wrong is said with its place, and the rule is not used', () => {
  for (const [fields, finding] of WRONG) {
    const { rule, findings } = parse(fields);
    assert.ok(findings.includes(finding), `${JSON.stringify(fields)}: ${findings.join(', ')}`);
    assert.equal(rule, undefined);
  }
});
