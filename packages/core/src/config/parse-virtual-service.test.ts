import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualService } from './config-object.ts';
import { parseObjects } from './parse-objects.ts';

function parse(
  spec: unknown,
  apiVersion = 'networking.istio.io/v1',
): { found: VirtualService | undefined; findings: string[] } {
  const value = { apiVersion, kind: 'VirtualService', metadata: { name: 'v' }, spec };
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'home',
  });
  const object = objects[0]?.object;
  return {
    found: object?.kind === 'VirtualService' ? object : undefined,
    findings: diagnostics.map(({ code, path }) => `${code} ${path ?? ''}`),
  };
}

const toA = { destination: { host: 'a' } };
const route = [toA];

/** The spec with one rule for host `a`. */
function withRule(rule: object): object {
  return { hosts: ['a'], http: [rule] };
}

test('every host that Istio takes is one', () => {
  for (const [host, read] of [
    ['*-x.Bar.com', '*-x.bar.com'],
    ['*foo.com', '*foo.com'],
    ['*foo', '*foo'],
    ['a.default.svc.cluster.local.', 'a.default.svc.cluster.local'],
    ['10.1.2.3', '10.1.2.3'],
    ['FD00:0::7', 'fd00::7'],
  ]) {
    const { found, findings } = parse({ ...withRule({ route }), hosts: [host], gateways: ['gw'] });
    assert.deepEqual([found?.hosts.map((one) => one.host), findings], [[read], []], host);
  }
  for (const host of ['*-', '**x.com', 'a*.com', '*.*.com', '.', 'a..', '*-.com', 'a.*', '[::1]']) {
    const { findings } = parse({ ...withRule({ route }), hosts: [host], gateways: ['gw'] });
    assert.deepEqual(findings, ['invalid-value spec.hosts[0]'], host);
  }
});

test('hosts, destinations and weights are read the same under all three versions', () => {
  for (const version of ['v1', 'v1beta1', 'v1alpha3']) {
    const destinations = [
      { destination: { host: 'a', subset: 'v1', port: { number: 80 } }, weight: 90 },
      { destination: { host: 'B.example' }, weight: 10 },
    ];
    const { found, findings } = parse(
      { hosts: ['A', '*.b'], http: [{ name: 'n', route: destinations }] },
      `networking.istio.io/${version}`,
    );
    assert.deepEqual(findings, []);
    assert.deepEqual(
      found?.hosts.map(({ host }) => host),
      ['a', '*.b'],
    );
    assert.deepEqual(found?.gateways, ['mesh']);
    assert.deepEqual(
      found?.http?.map(({ name, destinations: read }) => [name, read.map(({ place: _place, ...rest }) => rest)]),
      [
        [
          'n',
          [
            { host: 'a', subset: 'v1', port: 80, weight: 90 },
            { host: 'b.example', weight: 10 },
          ],
        ],
      ],
    );
  }
});

/** Fields of a rule that are read, and what is found about them: nothing, or that they have no effect. */
const RULE_FIELDS: readonly [object, string?][] = [
  [{ retries: { attempts: 3 } }],
  [{ fault: { delay: { fixedDelay: '1s' } } }],
  [{ mirror: { host: 'b' } }],
  [{ mirrors: [{ destination: { host: 'b' } }] }],
  [{ headers: { request: { set: { a: '%REQ(b)%' } } } }, 'field-not-honoured spec.http[0].headers.request.set.a'],
  [
    { headers: { request: { add: { 'X-Envoy-Max-Retries': '3' } } } },
    'field-not-honoured spec.http[0].headers.request.add.X-Envoy-Max-Retries',
  ],
  [{ corsPolicy: { maxAge: '1h' } }, 'field-without-effect spec.http[0].corsPolicy'],
  [
    { match: [{ headers: { method: { exact: 'POST' } } }] },
    'field-without-effect spec.http[0].match[0].headers.method',
  ],
  [{ retires: {} }, 'unknown-field spec.http[0].retires'],
  [{ route: [{ destination: { host: 'a', prot: 1 } }] }, 'unknown-field spec.http[0].route[0].destination.prot'],
];

test('a field that is not honoured is reported, and the rule is served', () => {
  for (const [fields, finding] of RULE_FIELDS) {
    const { found, findings } = parse(withRule({ route, ...fields }));
    assert.deepEqual(findings, finding === undefined ? [] : [finding]);
    assert.equal(found?.http?.length, 1, JSON.stringify(fields));
  }
});

test('a rule that answers, delegates or changes the request is read without a finding', () => {
  const rules: readonly object[] = [
    { redirect: { uri: '/x', redirectCode: 308 } },
    { directResponse: { status: 503, body: { string: 'busy' } } },
    { delegate: { name: 'other', namespace: 'away' } },
    { route, rewrite: { uri: '/x', authority: 'x' } },
    { route, rewrite: { uriRegexRewrite: { match: '^/a/(.*)$', rewrite: '/b/\\1' } } },
    { route, headers: { request: { set: { a: 'b' }, add: { c: 'd' }, remove: ['e'] } } },
    { route, fault: { abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 5 } } } },
  ];
  for (const rule of rules) {
    const { found, findings } = parse(withRule(rule));
    assert.deepEqual([found?.http?.length, findings], [1, []], JSON.stringify(rule));
  }
});

test('a match is read in full', () => {
  const match = [
    {
      name: 'm',
      uri: { regex: '/a/.*' },
      method: { exact: 'POST' },
      authority: { prefix: 'a.' },
      headers: { 'X-User': { exact: 'jason' }, there: {}, star: { regex: '*' } },
      withoutHeaders: { beta: {} },
      queryParams: { q: { exact: '1' } },
      port: 80,
      sourceLabels: { app: 'web' },
      sourceNamespace: 'front',
      gateways: ['mesh'],
    },
  ];
  const { found, findings } = parse(withRule({ match, route }));
  assert.deepEqual(findings, []);
  const { place: _place, ...read } = found?.http?.[0]?.matches[0] ?? {};
  assert.deepEqual(read, {
    conditions: {
      name: 'm',
      path: { kind: 'regex', pattern: '/a/.*' },
      method: { kind: 'exact', text: 'POST' },
      authority: { kind: 'prefix', text: 'a.' },
      headers: [
        { name: 'x-user', match: { kind: 'exact', text: 'jason' } },
        { name: 'there', match: { kind: 'present' } },
        { name: 'star', match: { kind: 'present' } },
      ],
      withoutHeaders: [{ name: 'beta', match: { kind: 'present' } }],
      queryParameters: [{ name: 'q', match: { kind: 'exact', text: '1' } }],
    },
    port: 80,
    sourceLabels: { app: 'web' },
    sourceNamespace: 'front',
    gateways: ['mesh'],
  });
});

test('a match that only a gateway could decide takes nothing, and never becomes a catch-all', () => {
  const match = [{ headers: { '@request.auth.claims.sub': { exact: 'x' } } }];
  const { found, findings } = parse(withRule({ match, route }));
  assert.deepEqual(findings, ['rule-not-served spec.http[0].match[0]']);
  assert.deepEqual(found?.http, []);
});

test('a match that asks for nothing takes every call', () => {
  for (const match of [[], [{}], [{ name: 'all' }], [{ uri: { exact: '/x' } }, { uri: { prefix: '/' } }]]) {
    const { found, findings } = parse(withRule({ match, route }));
    assert.deepEqual([found?.http?.length, findings], [1, []], JSON.stringify(match));
  }
});

test('behind a rule that takes every call no rule is reached', () => {
  for (const first of [{ route }, { redirect: { uri: '/x' } }]) {
    const { found, findings } = parse({ hosts: ['a'], http: [first, { route }] });
    assert.equal(findings.at(-1), 'rule-unreachable spec.http[1]');
    assert.equal(found?.http?.length, 1);
  }
});

const SPEC_FIELDS: readonly [object, string][] = [
  [{ tcp: [{ route }] }, 'field-without-effect spec.tcp'],
  [{ tls: [{ route }] }, 'field-without-effect spec.tls'],
  [{ htpp: [] }, 'unknown-field spec.htpp'],
];

test('fields beside the rules are reported, and the object is used', () => {
  for (const [fields, finding] of SPEC_FIELDS) {
    const { found, findings } = parse({ ...withRule({ route }), ...fields });
    assert.deepEqual(findings, [finding]);
    assert.notEqual(found, undefined);
  }
});

test('without an HTTP part there are no rules, not an empty list of them', () => {
  const { found } = parse({ hosts: ['a'], tcp: [{ route }] });
  assert.notEqual(found, undefined);
  assert.equal(found?.http, undefined);
});

const WRONG: readonly [unknown, string][] = [
  [{ hosts: ['a'] }, 'missing-field spec'],
  [{ hosts: ['a'], http: [] }, 'missing-field spec'],
  [{ ...withRule({ route }), hosts: ['*'] }, 'invalid-value spec.hosts[0]'],
  [{ ...withRule({ route }), hosts: ['a_b'] }, 'invalid-value spec.hosts[0]'],
  [{ ...withRule({ route }), hosts: ['a', 'A'] }, 'invalid-value spec.hosts[1]'],
  [{ ...withRule({ route }), hosts: ['*.foo.com', 'a.foo.com'] }, 'invalid-value spec.hosts[1]'],
  [{ ...withRule({ route }), hosts: ['*-x.foo.com', 'a-x.foo.com'] }, 'invalid-value spec.hosts[1]'],
  [{ ...withRule({ route }), hosts: ['a.foo.com', 'a.foo.com.'] }, 'invalid-value spec.hosts[1]'],
  [{ ...withRule({ route }), hosts: [1] }, 'wrong-type spec.hosts[0]'],
  [{ ...withRule({ route }), exportTo: ['A'] }, 'invalid-value spec.exportTo[0]'],
  [{ ...withRule({ route }), exportTo: ['*', 'a'] }, 'invalid-value spec.exportTo'],
  [withRule({}), 'missing-field spec.http[0]'],
  [withRule({ route: [] }), 'missing-field spec.http[0]'],
  [withRule({ route, redirect: { uri: '/' } }), 'invalid-value spec.http[0].redirect'],
  [withRule({ route: [{ weight: 1 }] }), 'missing-field spec.http[0].route[0]'],
  [withRule({ route: [{ destination: {} }] }), 'missing-field spec.http[0].route[0].destination'],
  [withRule({ route: [{ destination: { host: '*.a' } }] }), 'invalid-value spec.http[0].route[0].destination.host'],
  [
    withRule({ route: [{ destination: { host: 'a', port: {} } }] }),
    'missing-field spec.http[0].route[0].destination.port',
  ],
  [
    withRule({ route: [{ destination: { host: 'a', port: { number: 0 } } }] }),
    'invalid-value spec.http[0].route[0].destination.port.number',
  ],
  [withRule({ route: [{ ...toA, weight: -1 }] }), 'invalid-value spec.http[0].route[0].weight'],
  [withRule({ route: [{ ...toA, weight: '5' }] }), 'wrong-type spec.http[0].route[0].weight'],
  [withRule({ route: [toA, toA] }), 'invalid-value spec.http[0].route'],
  [withRule({ route, match: [3] }), 'wrong-type spec.http[0].match[0]'],
  [
    withRule({ route, match: [{ uri: { prefix: '/', exact: '/x' } }] }),
    'invalid-value spec.http[0].match[0].uri.prefix',
  ],
  [withRule({ route, match: [{ uri: { regex: '(' } }] }), 'invalid-value spec.http[0].match[0].uri.regex'],
  [withRule({ route, match: [{ headers: { a: { exact: 1 } } }] }), 'wrong-type spec.http[0].match[0].headers.a.exact'],
  [withRule({ route, match: [{ port: 0 }] }), 'invalid-value spec.http[0].match[0].port'],
  [withRule({ route, timeout: '0s' }), 'invalid-value spec.http[0].timeout'],
  [withRule({ route, timeout: '5' }), 'invalid-value spec.http[0].timeout'],
  [withRule({ route, retries: { attempts: -1 } }), 'invalid-value spec.http[0].retries.attempts'],
  [withRule({ route, retries: { attempts: 0, retryOn: '5xx' } }), 'invalid-value spec.http[0].retries.retryOn'],
  [withRule({ route, retries: { attempts: 1, retryOn: '5xx,never' } }), 'invalid-value spec.http[0].retries.retryOn'],
  [
    withRule({ route, retries: { attempts: 1, perTryTimeout: '1us' } }),
    'invalid-value spec.http[0].retries.perTryTimeout',
  ],
  [withRule({ route, fault: {} }), 'invalid-value spec.http[0].fault'],
  [withRule({ route, fault: { delay: { percentage: { value: 5 } } } }), 'missing-field spec.http[0].fault.delay'],
  [withRule({ route, fault: { abort: { grpcStatus: '14' } } }), 'invalid-value spec.http[0].fault.abort.grpcStatus'],
  [withRule({ route, fault: { abort: { httpStatus: 100 } } }), 'invalid-value spec.http[0].fault.abort.httpStatus'],
  [
    withRule({ route, fault: { abort: { httpStatus: 500, grpcStatus: 'OK' } } }),
    'invalid-value spec.http[0].fault.abort',
  ],
  [withRule({ route, fault: { abort: { http2Error: 'x' } } }), 'invalid-value spec.http[0].fault.abort.http2Error'],
  [withRule({ route, rewrite: {} }), 'invalid-value spec.http[0].rewrite'],
  [
    withRule({ route, rewrite: { uri: '/a', uriRegexRewrite: { match: 'a', rewrite: 'b' } } }),
    'invalid-value spec.http[0].rewrite.uriRegexRewrite',
  ],
  [
    withRule({ route, rewrite: { authority: 'a' }, headers: { request: { set: { ':authority': 'b' } } } }),
    'invalid-value spec.http[0].headers',
  ],
  [withRule({ redirect: {} }), 'invalid-value spec.http[0].redirect'],
  [withRule({ redirect: { uri: '/', redirectCode: 200 } }), 'invalid-value spec.http[0].redirect.redirectCode'],
  [withRule({ redirect: { uri: '/' }, fault: { abort: { httpStatus: 500 } } }), 'invalid-value spec.http[0].fault'],
  [withRule({ directResponse: { status: 99 } }), 'invalid-value spec.http[0].directResponse.status'],
  [withRule({ directResponse: {} }), 'missing-field spec.http[0].directResponse'],
  [
    withRule({ route, mirror: { host: 'a' }, mirrors: [{ destination: { host: 'b' } }] }),
    'invalid-value spec.http[0].mirrors',
  ],
  [
    withRule({ route, headers: { request: { set: { ':path': '/x' } } } }),
    'invalid-value spec.http[0].headers.request.set[:path]',
  ],
  [
    withRule({ route, headers: { request: { remove: ['host'] } } }),
    'invalid-value spec.http[0].headers.request.remove[0]',
  ],
  [{ http: [{ delegate: { name: 'x' } }] }, 'invalid-value spec.http[0].delegate'],
  [{ http: [{ route }], gateways: ['mesh'] }, 'invalid-value spec.gateways'],
];

test('one mistake is one finding', () => {
  const beyond = { ...toA, weight: 3_000_000_000 };
  for (const [spec, expected] of [
    [
      { http: [{ match: [{ uri: { regex: '(' } }], route }, { route }] },
      'invalid-value spec.http[0].match[0].uri.regex',
    ],
    [withRule({ route: [beyond, toA] }), 'invalid-value spec.http[0].route[0].weight'],
    [{ http: 'x' }, 'wrong-type spec.http'],
    [withRule({ route, retries: { attempts: -2, retryOn: '5xx' } }), 'invalid-value spec.http[0].retries.attempts'],
  ] as const) {
    assert.deepEqual(parse(spec).findings, [expected]);
  }
});

test('what is wrong is said with its place, and the object is not used', () => {
  for (const [spec, finding] of WRONG) {
    const { found, findings } = parse(spec);
    assert.ok(findings.includes(finding), `${JSON.stringify(spec)}: ${findings.join(', ')}`);
    assert.equal(found, undefined);
  }
});
