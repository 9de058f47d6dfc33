import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import { explainCall } from '@steelyard/core/routing';
import { parseManifest } from '../../kube/parse-manifest.ts';
import { renderExplainedCall } from './explain-route-text.ts';

const LONG = 'backend-6d5f7c9b8d-of-a-release-with-a-rather-long-name-indeed-x1';

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: backend }
spec: { clusterIP: 10.0.0.9, ports: [{ name: grpc, port: 8000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: backend-1, labels: { kubernetes.io/service-name: backend } }
addressType: IPv4
ports: [{ name: grpc, port: 8000 }]
endpoints:
  - { addresses: [10.1.0.1], targetRef: { kind: Pod, name: ${LONG} } }
  - { addresses: [10.1.0.2], targetRef: { kind: Pod, name: short } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: backend }
spec:
  host: backend
  trafficPolicy:
    loadBalancer: { consistentHash: { httpHeaderName: x-user } }
    outlierDetection: { consecutive5xxErrors: 0 }
    connectionPool: { http: { http2MaxRequests: 1, maxRetries: 1, maxRequestsPerConnection: 2 } }
  subsets: [{ name: a, trafficPolicy: { loadBalancer: { simple: RANDOM } } }, { name: b }]
`;

function rule(http: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: rules }
spec: { hosts: [backend], http: [${http}] }
`;
}

const to = (subset: string): string => `destination: { host: backend, subset: ${subset} }`;

function explain(http: string, authority = 'backend.default:8000'): string {
  const documents = parseManifest('a.yaml', SERVICE + rule(http));
  const snapshot = createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
  const request = { path: '/echo.Echo/Say', authority, method: 'POST', scheme: 'http', header: () => undefined };
  return renderExplainedCall(explainCall(snapshot, request, { namespace: 'default', listenPort: 8000 }));
}

test('rows stand below the names of their clusters, if there are several, and none is wider than a terminal', () => {
  const several = explain(`{ route: [{ ${to('a')}, weight: 1 }, { ${to('b')}, weight: 1 }] }`);
  const rows = several.slice(several.indexOf('The call goes to one of')).split('\n');
  assert.deepEqual(rows.slice(0, 5), [
    'The call goes to one of',
    'outbound|8000|a|backend.default.svc.cluster.local:',
    '  10.1.0.1:8000   25.0 %',
    `      ${LONG}`,
    '  10.1.0.2:8000   25.0 %  short',
  ]);
  const one = explain(`{ route: [{ ${to('a')} }] }`);
  assert.doesNotMatch(one.slice(one.indexOf('The call goes to one of')), /outbound/);
  for (const line of `${several}${one}`.split('\n')) assert.ok(line.length <= 80, line);
});

test('a long name of an object and its field takes two lines', () => {
  const object = { kind: 'DestinationRule', namespace: 'default', name: 'a-rule-with-a-rather-long-name' };
  const field = 'spec.trafficPolicy.loadBalancer.localityLbSetting';
  const step = { step: 'locality', object, field, decision: 'Calls go by place.', because: [] } as const;
  const call = {
    authority: 'a',
    path: '/b',
    from: 'default',
    outcome: 'failed',
    live: false,
    aborted: 0,
    failing: 1,
  } as const;
  const lines = renderExplainedCall({ ...call, steps: [step], shares: [] }).split('\n');
  assert.deepEqual(lines.slice(2, 5), [
    ' 1. locality: Calls go by place.',
    '    [DestinationRule default/a-rule-with-a-rather-long-name',
    '     spec.trafficPolicy.loadBalancer.localityLbSetting]',
  ]);
});

test('what others write does nothing to a terminal', () => {
  const hostile = String.raw`"\e[2J\n\u009b31m\u202ered"`;
  const text = explain(
    `{ name: ${hostile}, match: [{ headers: { x: { exact: ${hostile} } } }], route: [{ ${to('a')} }] }, { route: [{ ${to('a')} }] }`,
  );
  assert.match(text, /Route \\u001b\[2J\\u000a\\u009b31m\\u202ered does not: headers\[x\]/);
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}|\u202e/u);
});

test('the smallest part of the calls is more than none of them', () => {
  const text = explain(
    `{ fault: { abort: { grpcStatus: ABORTED, percentage: { value: 0.004 } } }, route: [{ ${to('a')} }] }`,
  );
  assert.match(text, /^0\.004 % end by the fault\.$/m);
});

test('settings are told by name, and what they do in words', () => {
  const text = explain(
    `{ retries: { attempts: 2, perTryTimeout: 200ms, retryOn: unavailable },
       headers: { request: { set: { x-a: "1" }, remove: [x-b] } },
       mirrors: [{ ${to('a')}, percentage: { value: 5 } }, { ${to('b')} }],
       route: [{ ${to('b')} }] }`,
  ).replaceAll(/\n +/g, ' ');
  for (const expected of [
    'Each attempt ends after 200 ms at the latest.',
    'x-b is removed. x-a is set to "1".',
    '[VirtualService default/rules spec.http[0].mirrors[1]]',
    'watch: These are in force: outlierDetection, connectionPool.',
    'no endpoint is ejected, as no number of errors in a row is set.',
    'at most 1 call, 1 retry at a time; a connection is replaced after 2 calls.',
    'RING_HASH: the call has no header x-user to go by, so it goes anywhere.',
  ]) {
    assert.ok(text.includes(expected), `${expected}\n\n${text}`);
  }
});

test('of a subset that nothing defines there is no policy to tell', () => {
  const text = explain(`{ route: [{ ${to('nobody')} }] }`);
  assert.match(text, /default\/backend: It decides, and defines only "a", "b"\./);
  assert.doesNotMatch(text, /policy:/);
});

test('a Service that is not known may be meant for another', () => {
  assert.match(explain('{ redirect: { uri: /x } }', 'backned:8000'), /^ {6}There is Service default\/backend\.$/m);
  assert.match(
    explain('{ redirect: { uri: /x } }', 'backend.shop:8000'),
    /^ {6}There is a Service backend in namespace default\.$/m,
  );
  assert.doesNotMatch(explain('{ redirect: { uri: /x } }', 'example.com:8000'), /There is/);
});
