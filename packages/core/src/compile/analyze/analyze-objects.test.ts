import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects } from '../../config/index.ts';
import { destinationRule, service, slice, virtualService } from '../compile-fixture.test.ts';
import { createCompiler } from '../compiler.ts';
import { analyzeObjects } from './analyze-objects.ts';

function findings(values: readonly object[]): readonly string[] {
  const documents = values.map((value) => ({ file: 'a', value, locate: () => ({ line: 3, column: 1 }) }));
  const parsed = parseObjects(documents, { defaultNamespace: 'default' });
  const snapshot = createCompiler().compile(parsed);
  const found = analyzeObjects(
    snapshot,
    parsed.objects.map(({ object }) => object),
  );
  for (const { position, message } of found) {
    assert.equal(position?.line, 3);
    assert.match(message, /^[A-Z].*[^.]\.$/);
  }
  return found.map(({ code, path }) => `${code} ${path ?? ''}`.trim());
}

const port = (name: string, appProtocol?: string): object => ({
  ports: [{ name, port: 8000, ...(appProtocol !== undefined && { appProtocol }) }],
});
const two = slice('backend', ['p1', 'p2']);
const at = (number: number): object => ({ ...two, ports: [{ name: 'grpc', port: number }] });
const route = [{ destination: { host: 'backend' } }];
const rules = (http: readonly object[]): object => virtualService('v', { hosts: ['backend'], http });
const headless = { clusterIP: 'None' };

const CASES: readonly [string, readonly object[], readonly string[]][] = [
  ['a port that says nothing', [service('backend', port('api'))], ['port-protocol-unclear']],
  ['a port of another protocol', [service('backend', port('tcp-db'))], []],
  ['grpc in another word', [service('backend', port('grpcapi'))], ['port-protocol-unclear']],
  ['appProtocol is heard first', [service('backend', port('api', 'kubernetes.io/h2c'))], []],
  ['gRPC behind a cluster address', [service('backend'), two], ['grpc-behind-cluster-ip']],
  ['one pod needs no balancing', [service('backend'), slice('backend', ['p1'])], []],
  ['headless, the same port', [service('backend', headless), two], []],
  ['headless, another port', [service('backend', headless), at(9000)], ['headless-port-differs']],
  [
    'the same match twice',
    [service('backend', headless), two, rules([1, 2].map(() => ({ match: [{ uri: { exact: '/a' } }], route })))],
    ['match-ineffective spec.http[1].match[0]'],
  ],
  [
    'a narrower path behind a wider one',
    [
      service('backend', headless),
      two,
      rules([
        { match: [{ uri: { prefix: '/a' } }], route },
        { match: [{ uri: { prefix: '/a/b' }, headers: { h: {} } }, { uri: { prefix: '/c' } }], route },
      ]),
    ],
    ['match-ineffective spec.http[1].match[0]'],
  ],
  [
    'conditions before it leave something',
    [
      service('backend', headless),
      two,
      rules([
        {
          match: [
            { uri: { prefix: '/a' }, headers: { h: {} } },
            { port: 8000, uri: { prefix: '/b' } },
          ],
          route,
        },
        { match: [{ uri: { prefix: '/a' } }, { uri: { prefix: '/b' } }], route },
      ]),
    ],
    [],
  ],
  [
    'a destination of several ports',
    [
      service('backend', {
        ...headless,
        ports: [8000, 9000].map((number) => ({ name: `grpc-${number}`, port: number })),
      }),
      rules([{ route }]),
    ],
    ['destination-port-open spec.http[0].route[0].destination'],
  ],
  [
    'outlier detection turns on locality',
    [
      service('backend', headless),
      two,
      destinationRule('d', { host: 'backend', trafficPolicy: { outlierDetection: {} } }),
    ],
    ['outlier-detection-turns-on-locality spec.trafficPolicy.outlierDetection'],
  ],
  [
    'failover without outlier detection, in a subset',
    [
      service('backend', headless),
      two,
      destinationRule('d', {
        host: 'backend',
        subsets: [
          { name: 's', trafficPolicy: { loadBalancer: { localityLbSetting: { failover: [{ from: 'a', to: 'b' }] } } } },
        ],
      }),
    ],
    ['failover-without-outlier-detection spec.subsets[0].trafficPolicy.loadBalancer.localityLbSetting'],
  ],
  [
    'TLS that trusts everybody',
    [
      service('backend', headless),
      two,
      destinationRule('d', { host: 'backend', trafficPolicy: { tls: { mode: 'SIMPLE' } } }),
    ],
    ['tls-without-ca spec.trafficPolicy.tls'],
  ],
  [
    'TLS with its authority',
    [
      service('backend', headless),
      two,
      destinationRule('d', { host: 'backend', trafficPolicy: { tls: { mode: 'SIMPLE', caCertificates: '/ca.pem' } } }),
    ],
    [],
  ],
];

test('what is valid but probably not meant so is found, and nothing else', () => {
  for (const [why, objects, expected] of CASES) assert.deepEqual(findings(objects), expected, why);
});
