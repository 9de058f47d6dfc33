import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CompilerOptions, createCompiler } from '../compile/index.ts';
import { parseObjects } from '../config/index.ts';
import { type ExplainedCall, explainCall } from './explain-call.ts';

const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'backend' },
  spec: {
    ports: [
      { name: 'grpc', port: 8000 },
      { name: 'grpc-b', port: 9000 },
    ],
  },
};

interface Rule {
  readonly name?: string;
  readonly match?: readonly object[];
  readonly delegate?: object;
}

function explain(
  rules: readonly Rule[],
  options: CompilerOptions = {},
  port = 8000,
  others: readonly object[] = [],
): ExplainedCall {
  const route = [{ destination: { host: 'backend' } }];
  const http = rules.map((rule) => ('delegate' in rule ? rule : { ...rule, route }));
  const objects = [
    SERVICE,
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'v' },
      spec: { hosts: ['backend'], http },
    },
    ...others,
  ];
  const documents = objects.map((value) => ({ file: 'a', value, locate: () => undefined }));
  const snapshot = createCompiler(options).compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const request = { path: '/echo.Echo/Say', authority: `backend:${port}`, method: 'POST', scheme: 'http' };
  return explainCall(snapshot, request, { namespace: 'default', listenPort: port });
}

function stepOf({ steps }: ExplainedCall, name: string): readonly [string, readonly string[]] {
  const step = steps.find((one) => one.step === name);
  return [step?.decision ?? '', step?.because ?? []];
}

const RULES: readonly Rule[] = [
  { name: 'web', match: [{ sourceLabels: { app: 'web' } }] },
  { match: [{ uri: { exact: '/x' } }] },
  { match: [{ port: 9000 }, { sourceNamespace: 'shop', uri: { prefix: '/' } }] },
  { name: 'edge', match: [{ gateways: ['edge'] }] },
  { name: 'rest' },
  { name: 'behind', match: [{ port: 9000 }] },
];

test('rules that are not for these callers, or not for this port, are told in their place', () => {
  assert.deepEqual(stepOf(explain(RULES), 'route'), [
    'Route rest takes the call: it takes every call.',
    [
      "Route web does not: the callers' labels must have app=web, and are not known.",
      'Route http[1] does not: uri must be one that is "/x", not "/echo.Echo/Say".',
      "Route http[2] does not: port must be 9000, and it is 8000; or the callers' namespace must be shop, and it is default.",
      'Route edge does not: gateways must have one of mesh, and has default/edge.',
    ],
  ]);
  const labelled = stepOf(explain(RULES, { clientLabels: { app: 'batch' } }), 'route');
  assert.equal(labelled[1][0], "Route web does not: the callers' labels must have app=web, and are app=batch.");
  assert.equal(stepOf(explain(RULES, {}, 9000), 'route')[0], 'Route http[2] takes the call: it takes every call.');
});

test('a VirtualService without a rule for these callers is named', () => {
  const explained = explain(RULES.slice(0, 1));
  assert.deepEqual(stepOf(explained, 'virtual-service')[1], [
    'default/v: None of its rules is for these callers and this port.',
  ]);
  assert.deepEqual(stepOf(explained, 'route'), [
    'Route default takes the call: it takes every call.',
    ["Route web of default/v does not: the callers' labels must have app=web, and are not known."],
  ]);
});

test('of very many only some are told one by one', () => {
  const many = Array.from({ length: 70 }, (_, index) => ({ name: `r${index}`, match: [{ port: 9000 }] }));
  const [, because] = stepOf(explain([...many, {}]), 'route');
  assert.deepEqual([because.length, because.at(-1)], [51, '20 more routes do not.']);
});

test('rules that are delegated to are told with whose they are', () => {
  const child = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'child' },
    spec: {
      http: ['/a', '/b'].map((exact) => ({
        match: [{ uri: { exact } }],
        route: [{ destination: { host: 'backend' } }],
      })),
    },
  };
  const rules = [{ delegate: { name: 'child' } }, { match: [{ uri: { exact: '/c' } }] }, {}];
  assert.deepEqual(stepOf(explain(rules, {}, 8000, [child]), 'route'), [
    'Route http[2] takes the call: it takes every call.',
    [
      'Route http[0] of default/child does not: uri must be one that is "/a", not "/echo.Echo/Say".',
      'Route http[1] of default/child does not: uri must be one that is "/b", not "/echo.Echo/Say".',
      'Route http[1] does not: uri must be one that is "/c", not "/echo.Echo/Say".',
    ],
  ]);
});
