import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { parse } from 'yaml';

interface Rule {
  readonly in: string;
  readonly host?: string;
  readonly exportTo?: readonly string[];
  readonly workload?: Readonly<Record<string, string>>;
  readonly simple?: string;
  readonly subsets?: readonly string[];
}

interface Case {
  readonly is: string;
  readonly from: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly to: string;
  readonly subsets: readonly string[];
  readonly policy?: string;
}

interface Fact {
  readonly rules: readonly Rule[];
  readonly cases: readonly Case[];
}

function ruleObject(rule: Rule, index: number, to: string): object {
  const { host = `httpbin.${to}.svc.cluster.local`, exportTo, workload, simple, subsets = [] } = rule;
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: {
      name: `rule${index}`,
      namespace: rule.in,
      creationTimestamp: new Date(Date.UTC(2020, 0, 1 + index)).toISOString(),
    },
    spec: {
      host,
      ...(exportTo !== undefined && { exportTo }),
      ...(workload !== undefined && { workloadSelector: { matchLabels: workload } }),
      ...(simple !== undefined && { trafficPolicy: { loadBalancer: { simple } } }),
      subsets: subsets.map((name) => ({ name })),
    },
  };
}

function outcomeOf(rules: readonly Rule[], { from, labels, to }: Case, order: 1 | -1): unknown {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'httpbin', namespace: to },
    spec: { ports: [{ name: 'grpc', port: 80 }] },
  };
  const objects = rules.map((rule, index) => ruleObject(rule, index, to));
  const documents = [service, ...(order === 1 ? objects : objects.toReversed())].map((value) => ({
    file: 'a',
    value,
    locate: () => undefined,
  }));
  const options = { clientNamespace: from, ...(labels !== undefined && { clientLabels: labels }) };
  const { clusters } = createCompiler(options).compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const whole = clusters.get(`outbound|80||httpbin.${to}.svc.cluster.local`);
  const subsets = [...clusters.values()].flatMap(({ subset }) => (subset === '' ? [] : [subset]));
  return { subsets, policy: whole?.loadBalancer.kind };
}

test('the DestinationRules that hold are those that hold in Istio, in whatever order they are read', () => {
  const facts: readonly Fact[] = parse(
    readFileSync(new URL('../../../test-data/istio/destination-rule-lookup.yaml', import.meta.url), 'utf8'),
  );
  let count = 0;
  for (const { rules, cases } of facts) {
    for (const one of cases) {
      count++;
      const wanted = { subsets: one.subsets, policy: one.policy ?? 'LEAST_REQUEST' };
      for (const order of [1, -1] as const) assert.deepEqual(outcomeOf(rules, one, order), wanted, one.is);
    }
  }
  assert.ok(count >= 35);
});
