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

const SIMPLE: readonly [object, object, readonly string[]][] = [
  [{ simple: 'RANDOM' }, { kind: 'RANDOM' }, []],
  [{ simple: 'ROUND_ROBIN' }, { kind: 'ROUND_ROBIN' }, []],
  [{ simple: 'LEAST_REQUEST' }, leastRequest, []],
  [{ simple: 'LEAST_CONN' }, leastRequest, []],
  [{ simple: 'UNSPECIFIED' }, leastRequest, []],
  [{}, leastRequest, []],
  [{ simple: 'PASSTHROUGH' }, leastRequest, ['simple']],
  [{ consistentHash: { useSourceIp: true } }, leastRequest, ['consistentHash']],
  [{ simple: 'RANDOM', localityLbSetting: { enabled: true } }, { kind: 'RANDOM' }, ['localityLbSetting']],
  [{ zoneAwareLbSetting: { minClusterSize: 6 } }, leastRequest, ['zoneAwareLbSetting']],
  [{ simple: 'ROUND_ROBIN', warmup: { duration: '30s' } }, { kind: 'ROUND_ROBIN' }, ['warmup']],
  [{ simple: 'ROUND_ROBIN', warmupDurationSecs: '30s' }, { kind: 'ROUND_ROBIN' }, ['warmupDurationSecs']],
];

test('every word of loadBalancer is a policy, and what is not honoured is said', () => {
  for (const [loadBalancer, expected, fields] of SIMPLE) {
    const { rule, findings } = parse({ trafficPolicy: { loadBalancer } });
    assert.deepEqual(rule?.trafficPolicy, { loadBalancer: expected });
    assert.deepEqual(
      findings,
      fields.map((field) => `field-not-honoured spec.trafficPolicy.loadBalancer.${field}`),
    );
  }
});

const POLICY_FIELDS: readonly [object, string | undefined][] = [
  [{ connectionPool: { http: { http2MaxRequests: 1 } } }, 'field-not-honoured spec.trafficPolicy.connectionPool'],
  [{ outlierDetection: { interval: '1s' } }, 'field-not-honoured spec.trafficPolicy.outlierDetection'],
  [{ portLevelSettings: [{ port: { number: 1 } }] }, 'field-not-honoured spec.trafficPolicy.portLevelSettings'],
  [{ retryBudget: { percent: 20 } }, 'field-not-honoured spec.trafficPolicy.retryBudget'],
  [{ tls: { mode: 'ISTIO_MUTUAL' } }, 'field-not-honoured spec.trafficPolicy.tls'],
  [{ tls: { mode: 'DISABLE' } }, undefined],
  [{ tunnel: { targetHost: 'x' } }, 'field-without-effect spec.trafficPolicy.tunnel'],
  [{ proxyProtocol: { version: 'V1' } }, 'field-without-effect spec.trafficPolicy.proxyProtocol'],
  [{ loadbalancer: {}, loadBalancer: {} }, 'unknown-field spec.trafficPolicy.loadbalancer'],
];

test('the rest of a traffic policy is reported, and the rule is used', () => {
  for (const [trafficPolicy, finding] of POLICY_FIELDS) {
    const { rule, findings } = parse({ trafficPolicy });
    assert.deepEqual(findings, finding === undefined ? [] : [finding]);
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

test('a rule for some clients only is not used for all', () => {
  const { rule, findings } = parse({ workloadSelector: { matchLabels: { app: 'x' } } });
  assert.deepEqual([rule, findings], [undefined, ['workload-selector spec.workloadSelector']]);
});

const WRONG: readonly [object, string][] = [
  [{ host: null }, 'missing-field spec'],
  [{ host: 'a b' }, 'invalid-value spec.host'],
  [{ trafficPolicy: {} }, 'invalid-value spec.trafficPolicy'],
  [{ trafficPolicy: { loadBalancer: { simple: 'random' } } }, 'invalid-value spec.trafficPolicy.loadBalancer.simple'],
  [
    { trafficPolicy: { loadBalancer: { simple: 'RANDOM', consistentHash: { useSourceIp: true } } } },
    'invalid-value spec.trafficPolicy.loadBalancer.consistentHash',
  ],
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
