import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Snapshot } from '@steelyard/core/model';
import { type PodBehaviour, startPod, TestCaller, type TestReply } from '@steelyard/testkit';
import { startProxy } from '../proxy.ts';
import { cleanUp, silent } from './proxy.test-bed.ts';

/** Answers with what it was asked, and by which pod. */
const tell =
  (name: string): PodBehaviour =>
  (stream, headers) => {
    stream.respond({
      ':status': 200,
      'content-type': 'application/grpc',
      'x-pod': name,
      'x-path': headers[':path'],
      'x-authority': headers[':authority'],
      'x-user': headers['user'] ?? 'none',
      'x-via': headers['via'] ?? 'none',
      'grpc-status': '0',
    });
    stream.end();
  };

const NAMES = ['backend', 'canary'];

function snapshotOf(ports: readonly number[], http: readonly object[]): Snapshot {
  const values = NAMES.flatMap((name, index) => [
    { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ name: 'grpc', port: 8000 }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'grpc', port: ports[index] }],
      endpoints: [{ addresses: ['127.0.0.1'] }],
    },
  ]);
  const rules = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'v' },
    spec: { hosts: ['backend'], http },
  };
  const documents = [...values, rules].map((value) => ({ file: 'a', value, locate: () => undefined }));
  return createCompiler().compile(parseObjects(documents, { defaultNamespace: 'default' }));
}

/** Sends one call through a proxy with these rules. */
async function callWith(http: readonly object[], headers: object): Promise<TestReply> {
  const pods = await Promise.all(NAMES.map((name) => startPod(tell(name))));
  const current = snapshotOf(
    pods.map(({ port }) => port),
    http,
  );
  const snapshots = { current, subscribe: () => () => undefined };
  const listen = { host: '127.0.0.1', port: 0 };
  const proxy = await startProxy({ snapshots, listen, namespace: 'default', log: silent, random: () => 0.5 });
  const caller = new TestCaller(proxy.address.port);
  for (const pod of pods) cleanUp.push(() => pod.close());
  cleanUp.push(
    () => proxy.close(),
    () => caller.close(),
  );
  return caller.call('', { ...headers });
}

const to = (host: string): object => ({ route: [{ destination: { host } }] });
const destination = { destination: { host: 'backend' } };
const toBackend = to('backend');
const half = { percentage: { value: 50 } };

const CASES: readonly [string, readonly object[], object, object][] = [
  [
    'a header',
    [{ match: [{ headers: { user: { exact: 'jason' } } }], ...to('canary') }, toBackend],
    { user: 'jason' },
    { 'x-pod': 'canary' },
  ],
  [
    'another value',
    [{ match: [{ headers: { user: { exact: 'jason' } } }], ...to('canary') }, toBackend],
    { user: 'jim' },
    { 'x-pod': 'backend' },
  ],
  [
    'lines of one name are joined',
    [{ match: [{ headers: { user: { exact: 'a,b' } } }], ...to('canary') }, toBackend],
    { user: ['a', 'b'] },
    { 'x-pod': 'canary' },
  ],
  [
    'a method of gRPC',
    [{ match: [{ uri: { exact: '/echo.Echo/Say' } }], ...to('canary') }, toBackend],
    {},
    { 'x-pod': 'canary' },
  ],
  ['a pattern', [{ match: [{ uri: { regex: '/echo\\..*' } }], ...to('canary') }, toBackend], {}, { 'x-pod': 'canary' }],
  [
    'the HTTP method',
    [{ match: [{ method: { exact: 'GET' } }], ...to('canary') }, toBackend],
    {},
    { 'x-pod': 'backend' },
  ],
  ['no rule', [{ match: [{ uri: { exact: '/x' } }], ...toBackend }], {}, { 'grpc-status': '12' }],
  [
    'rewritten',
    [{ match: [{ uri: { prefix: '/echo.Echo' } }], rewrite: { uri: '/new.Echo', authority: 'x.y' }, ...toBackend }],
    {},
    { 'x-path': '/new.Echo/Say', 'x-authority': 'x.y' },
  ],
  [
    'headers',
    [{ headers: { request: { remove: ['user'], set: { via: 'steelyard' } } }, ...toBackend }],
    { user: 'jason', via: 'x' },
    { 'x-user': 'none', 'x-via': 'steelyard' },
  ],
  [
    'headers of a sole destination, in one with those of the rule',
    [
      {
        headers: { request: { set: { via: 'rule' } } },
        route: [{ destination: { host: 'backend' }, headers: { request: { add: { via: 'destination' } } } }],
      },
    ],
    {},
    { 'x-via': 'rule, destination' },
  ],
  // What follows was tried with Envoy 1.40, given what Istio makes of such rules.
  [
    'a sole destination that removes what the rule sets: removals come first',
    [
      {
        headers: { request: { set: { via: 'rule' }, add: { user: 'rule' } } },
        route: [{ ...destination, headers: { request: { remove: ['via'], set: { user: 'destination' } } } }],
      },
    ],
    { via: 'x', user: 'jason' },
    { 'x-via': 'rule', 'x-user': 'destination, rule' },
  ],
  [
    'a sole destination that sets what the rule sets holds',
    [
      {
        headers: { request: { set: { via: 'rule' } } },
        route: [{ ...destination, headers: { request: { set: { via: 'destination', host: 'x.y' } } } }],
      },
    ],
    {},
    { 'x-via': 'destination', 'x-authority': 'x.y' },
  ],
  [
    'of several destinations the headers come first, and the rule holds',
    [
      {
        headers: { request: { set: { via: 'rule' }, add: { user: 'rule' } } },
        route: [
          { ...destination, weight: 1, headers: { request: { set: { via: 'destination', user: 'destination' } } } },
          { ...destination, weight: 0 },
        ],
      },
    ],
    { user: 'jason' },
    { 'x-via': 'rule', 'x-user': 'destination, rule' },
  ],
  [
    'the authority of one of several destinations',
    [{ route: [{ ...destination, weight: 1, headers: { request: { set: { ':authority': 'x.y' } } } }, destination] }],
    {},
    { 'x-authority': 'x.y' },
  ],
  [
    'the authority of the rule holds',
    [
      {
        rewrite: { authority: 'of.rule' },
        route: [{ ...destination, weight: 1, headers: { request: { set: { host: 'x.y' } } } }, destination],
      },
    ],
    {},
    { 'x-authority': 'of.rule' },
  ],
  [
    'an answer',
    [{ directResponse: { status: 503, body: { string: 'closed today' } } }],
    {},
    { 'grpc-status': '14', 'grpc-message': 'closed today' },
  ],
  ['a redirect', [{ redirect: { authority: 'x', uri: '/y' } }], {}, { 'grpc-status': '2' }],
  [
    'an abort',
    [{ fault: { abort: { grpcStatus: 'DATA_LOSS', percentage: { value: 100 } } }, ...toBackend }],
    {},
    { 'grpc-status': '15' },
  ],
  [
    'an abort by HTTP status',
    [{ fault: { abort: { httpStatus: 429, percentage: { value: 51 } } }, ...toBackend }],
    {},
    { 'grpc-status': '14' },
  ],
  [
    'no abort: the chance was against it',
    [{ fault: { abort: { grpcStatus: 'DATA_LOSS', ...half } }, ...toBackend }],
    {},
    { 'x-pod': 'backend' },
  ],
];

describe('calls by the rules of a VirtualService', () => {
  for (const [why, http, headers, expected] of CASES) {
    test(why, async () => {
      const reply = await callWith(http, headers);
      const got = Object.fromEntries(Object.keys(expected).map((name) => [name, reply.headers[name]]));
      assert.deepEqual(got, expected);
    });
  }
});
