import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects } from '../../config/index.ts';
import { destinationRule, service, slice, virtualService } from '../compile.test-bed.ts';
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
const twoOf = (name: string): object => ({ ...two, ports: [{ name, port: 8000 }] });
const at = (number: number): object => ({ ...two, ports: [{ name: 'grpc', port: number }] });
const route = [{ destination: { host: 'backend' } }];
const rules = (http: readonly object[]): object => virtualService('v', { hosts: ['backend'], http });
const headless = { clusterIP: 'None' };

const sliceOf = (owner: string, name: string): object => ({ ...slice(owner, ['p1']), ports: [{ name, port: 8000 }] });
const simple = (word: string): object => ({ trafficPolicy: { loadBalancer: { simple: word } } });

function withGrpc(value: object): object {
  const metadata = { name: 'backend', annotations: { 'steelyard.dev/grpc': 'true' } };
  return { ...value, metadata };
}

const LIMITS = { http: { http2MaxRequests: 9 } };
const OFF = { localityLbSetting: { enabled: false } };
const RANDOM = { loadBalancer: { simple: 'RANDOM' } };
const FAILOVER = { loadBalancer: { localityLbSetting: { failover: [{ from: 'a', to: 'b' }] } } };
const at8000 = (settings: object): object => ({ port: { number: 8000 }, ...settings });

function policies(trafficPolicy: object, ofSubset?: object): readonly object[] {
  const subsets = ofSubset === undefined ? [] : [{ name: 's', trafficPolicy: ofSubset }];
  const sole = [service('backend'), slice('backend', ['p1'])];
  return [...sole, destinationRule('d', { host: 'backend', trafficPolicy, subsets })];
}

const CASES: readonly [string, readonly object[], readonly string[]][] = [
  ['a port that says nothing', [service('backend', port('api'))], ['port-protocol-unclear spec.ports[0]']],
  ['a port of another protocol', [service('backend', port('tcp-db'))], []],
  ['grpc in another word', [service('backend', port('grpcapi'))], ['port-protocol-unclear spec.ports[0]']],
  ['grpcweb is no word', [service('backend', port('grpcweb-x'))], ['port-protocol-unclear spec.ports[0]']],
  ['grpc-web is', [service('backend', port('grpc-web-x'))], []],
  ['a well-known number', [service('backend', { ports: [{ name: 'random-name', port: 3306 }] })], []],
  ['appProtocol of another word', [service('backend', port('something-httpx', 'https'))], []],
  [
    'an appProtocol nobody knows',
    [service('backend', port('grpc', 'example.com/x'))],
    ['port-protocol-unclear spec.ports[0]'],
  ],
  ['appProtocol is heard first', [service('backend', port('api', 'kubernetes.io/h2c'))], []],
  ['gRPC behind a cluster address', [service('backend'), two], ['grpc-behind-cluster-ip spec.ports[0]']],
  ['one pod needs no balancing', [service('backend'), slice('backend', ['p1'])], []],
  ['headless, the same port', [service('backend', headless), two], []],
  [
    'an annotation says gRPC',
    [withGrpc(service('backend', port('api'))), twoOf('api')],
    ['grpc-behind-cluster-ip spec.ports[0]'],
  ],
  [
    'a policy for a headless Service',
    [service('backend', headless), two, destinationRule('d', { host: 'backend', ...simple('RANDOM') })],
    ['headless-policy-bypassed spec.host'],
  ],
  [
    'PASSTHROUGH to a Service with a cluster address',
    [service('backend'), two, destinationRule('d', { host: 'backend', ...simple('PASSTHROUGH') })],
    ['grpc-behind-cluster-ip spec.ports[0]', 'grpc-behind-cluster-ip spec.trafficPolicy.loadBalancer.simple'],
  ],
  [
    'PASSTHROUGH for a port of it',
    [
      service('backend'),
      two,
      destinationRule('d', {
        host: 'backend',
        trafficPolicy: {
          loadBalancer: { simple: 'RANDOM' },
          portLevelSettings: [{ port: { number: 8000 }, loadBalancer: { simple: 'PASSTHROUGH' } }],
        },
      }),
    ],
    [
      'grpc-behind-cluster-ip spec.ports[0]',
      'grpc-behind-cluster-ip spec.trafficPolicy.portLevelSettings[port 8000].loadBalancer.simple',
    ],
  ],
  [
    'PASSTHROUGH to another protocol',
    [
      service('backend', port('tcp-db')),
      twoOf('tcp-db'),
      destinationRule('d', { host: 'backend', ...simple('PASSTHROUGH') }),
    ],
    [],
  ],
  [
    'PASSTHROUGH to a headless Service',
    [service('backend', headless), two, destinationRule('d', { host: 'backend', ...simple('PASSTHROUGH') })],
    [],
  ],
  [
    'a headless Service with limits only',
    [
      service('backend', headless),
      two,
      destinationRule('d', { host: 'backend', trafficPolicy: { connectionPool: { http: { http2MaxRequests: 9 } } } }),
    ],
    [],
  ],
  [
    'a call per connection',
    [
      service('backend', headless),
      two,
      destinationRule('d', {
        host: 'backend',
        trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } },
      }),
    ],
    ['one-call-per-connection spec.trafficPolicy.connectionPool.http.maxRequestsPerConnection'],
  ],
  [
    'two Services of one Pod that disagree',
    [
      service('a', { ...headless, ...port('tcp-x') }),
      sliceOf('a', 'tcp-x'),
      service('b', { ...headless, ...port('grpc') }),
      sliceOf('b', 'grpc'),
    ],
    ['pod-port-disagreement spec.ports[0]'],
  ],
  [
    'two Services of one Pod that agree',
    [
      service('a', { ...headless, ...port('grpc') }),
      sliceOf('a', 'grpc'),
      service('b', { ...headless, ...port('grpc-x') }),
      sliceOf('b', 'grpc-x'),
    ],
    [],
  ],
  [
    'an alias with a port',
    [service('a', { type: 'ExternalName', externalName: 'x.org', ...port('x') })],
    ['external-name-port spec.ports[0]'],
  ],
  ['an alias for gRPC', [service('a', { type: 'ExternalName', externalName: 'x.org', ...port('grpc') })], []],
  ['headless, another port', [service('backend', headless), at(9000)], ['headless-port-differs spec.ports[0]']],
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
    [
      'headless-policy-bypassed spec.host',
      'failover-without-outlier-detection spec.subsets[0].trafficPolicy.loadBalancer.localityLbSetting',
    ],
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
  [
    'settings of a port in place of the general ones',
    policies({ connectionPool: LIMITS, outlierDetection: {}, loadBalancer: OFF, portLevelSettings: [at8000(RANDOM)] }),
    ['port-settings-replace spec.trafficPolicy.portLevelSettings[port 8000]'],
  ],
  ['settings of a port that repeat them', policies({ loadBalancer: OFF, portLevelSettings: [at8000(RANDOM)] }), []],
  [
    'settings of a port of a subset, in place of the rule’s too',
    policies(
      { connectionPool: LIMITS },
      { loadBalancer: OFF, portLevelSettings: [at8000({ tls: { mode: 'DISABLE' } })] },
    ),
    ['port-settings-replace spec.subsets[0].trafficPolicy.portLevelSettings[port 8000]'],
  ],
  [
    'settings of ports that are not there',
    policies(
      { portLevelSettings: [{ port: { number: 1 }, tls: { mode: 'SIMPLE' } }] },
      { portLevelSettings: [{ port: { number: 2 }, outlierDetection: {} }] },
    ),
    [
      'port-settings-unused spec.trafficPolicy.portLevelSettings[port 1]',
      'port-settings-unused spec.subsets[0].trafficPolicy.portLevelSettings[port 2]',
    ],
  ],
  [
    'of general settings that hold for no port nothing is said',
    policies({ tls: { mode: 'SIMPLE' }, portLevelSettings: [at8000({ tls: { mode: 'DISABLE' } })] }),
    [],
  ],
  ['nor of those for a host that is not there', policies({ tls: { mode: 'SIMPLE' } }).slice(2), []],
  [
    'nor of a wildcard’s where a nearer host has rules',
    [
      ...policies({ tls: { mode: 'DISABLE' } }),
      destinationRule('w', { host: '*.svc.cluster.local', trafficPolicy: { tls: { mode: 'SIMPLE' } } }),
    ],
    [],
  ],
  [
    'a wildcard’s elsewhere',
    [
      ...policies({ tls: { mode: 'DISABLE' } }),
      service('other', headless),
      destinationRule('w', { host: '*.svc.cluster.local', trafficPolicy: { tls: { mode: 'SIMPLE' } } }),
    ],
    ['tls-without-ca spec.trafficPolicy.tls'],
  ],
  ['a subset that inherits outlier detection', policies({ outlierDetection: {}, loadBalancer: OFF }, FAILOVER), []],
  ['a subset that inherits that calls go everywhere', policies({ loadBalancer: OFF }, { outlierDetection: {} }), []],
  [
    'a subset that replaces that calls go everywhere',
    policies({ outlierDetection: {}, loadBalancer: OFF }, { loadBalancer: RANDOM.loadBalancer }),
    ['outlier-detection-turns-on-locality spec.subsets[0].trafficPolicy.loadBalancer'],
  ],
  [
    'a subset of another rule, which inherits it by merging',
    [
      ...policies({ outlierDetection: {}, loadBalancer: OFF }),
      destinationRule('e', { host: 'backend', subsets: [{ name: 's', trafficPolicy: FAILOVER }] }),
    ],
    [],
  ],
  [
    'calls that the Service keeps near in any case',
    [
      service('backend', { ...headless, trafficDistribution: 'PreferClose' }),
      two,
      destinationRule('d', { host: 'backend', trafficPolicy: { outlierDetection: {} } }),
    ],
    [],
  ],
  [
    'PASSTHROUGH of a subset',
    [
      service('backend'),
      two,
      destinationRule('d', { host: 'backend', subsets: [{ name: 's', ...simple('PASSTHROUGH') }] }),
    ],
    [
      'grpc-behind-cluster-ip spec.ports[0]',
      'grpc-behind-cluster-ip spec.subsets[0].trafficPolicy.loadBalancer.simple',
    ],
  ],
  [
    'faults of no call',
    [
      service('backend', headless),
      two,
      rules([{ fault: { delay: { fixedDelay: '1s' }, abort: { httpStatus: 503, percentage: { value: 0 } } }, route }]),
    ],
    ['fault-never-fires spec.http[0].fault.delay', 'fault-never-fires spec.http[0].fault.abort'],
  ],
  [
    'faults of some calls',
    [
      service('backend', headless),
      two,
      rules([
        {
          fault: { delay: { fixedDelay: '1s', percent: 1 }, abort: { httpStatus: 503, percentage: { value: 1 } } },
          route,
        },
      ]),
    ],
    [],
  ],
  [
    'rules without hosts that nobody delegates to',
    [
      service('backend', headless),
      two,
      virtualService('v', {
        http: [{ route: [{ destination: { host: 'nobody' } }], mirror: { host: 'backend', port: { number: 9 } } }],
      }),
      virtualService('w', {
        http: [{ match: [{ sourceLabels: { a: 'b' } }], route: [{ destination: { host: 'backend', subset: 's' } }] }],
      }),
    ],
    [
      'delegate-unused',
      'destination-unknown-host spec.http[0].route[0].destination',
      'destination-unknown-port spec.http[0].mirror',
      'delegate-unused',
      'destination-unknown-subset spec.http[0].route[0].destination',
    ],
  ],
  [
    'rules that others delegate to',
    [
      service('backend', headless),
      two,
      virtualService('v', { http: [{ route }] }, { namespace: 'team' }),
      rules([{ delegate: { name: 'v', namespace: 'team' } }]),
    ],
    [],
  ],
];

test('what is valid but probably not meant so is found, and nothing else', () => {
  for (const [why, objects, expected] of CASES) assert.deepEqual(findings(objects), expected, why);
});
