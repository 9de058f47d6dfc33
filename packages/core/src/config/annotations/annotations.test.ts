import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import type { AnnotationSettings } from '../../model/index.ts';
import { parseObjects } from '../parse-objects.ts';
import { type AnnotationName, ANNOTATION_PREFIX, ANNOTATIONS } from './annotation-table.ts';
import { closestName } from './closest-name.ts';
import { parseAnnotations } from './parse-annotations.ts';

const page = readFileSync(new URL('../../../../../docs/annotations.md', import.meta.url), 'utf8');

function parseOne(
  name: string,
  value: string,
  kind = 'DestinationRule',
): { settings: AnnotationSettings; messages: readonly string[] } {
  const { settings, problems } = parseAnnotations({ [`${ANNOTATION_PREFIX}${name}`]: value }, kind);
  return { settings, messages: problems.map(({ message }) => message) };
}

test('docs/annotations.md has a row for every annotation, and no other', () => {
  const rows = [
    ...page.matchAll(/^\| `steelyard\.dev\/([a-z-]+)` +\| (.+?) +\| (.+?) +\| (.+?) +\| `(.+?)` +\|$/gm),
  ].map(([, name, on, meaning, values, example]) => ({ name, on, meaning, values, example }));
  const kinds = Object.entries(ANNOTATIONS).map(([name, { on, meaning, values, example }]) => {
    return { name, on: on.join(', '), meaning, values, example };
  });
  assert.deepEqual(rows, kinds);
});

test('the example of every annotation is good', () => {
  for (const [name, { example, on }] of Object.entries(ANNOTATIONS)) {
    for (const kind of on) assert.deepEqual(parseOne(name, example, kind).messages, [], name);
  }
});

const GOOD: readonly (readonly [AnnotationName, string, AnnotationSettings])[] = [
  ['load-balancer', 'peak-ewma', { policy: { kind: 'PEAK_EWMA' } }],
  ['load-balancer', ' weighted-round-robin ', { policy: { kind: 'WEIGHTED_ROUND_ROBIN' } }],
  ['load-balancer', 'round-robin', { policy: { kind: 'ROUND_ROBIN' } }],
  ['load-balancer', 'random', { policy: { kind: 'RANDOM' } }],
  ['load-balancer', 'least-request', { policy: { kind: 'LEAST_REQUEST', choiceCount: 2 } }],
  ['load-balancer', 'least-request,choices=4', { policy: { kind: 'LEAST_REQUEST', choiceCount: 4 } }],
  [
    'load-balancer',
    'ring-hash, header=X-User',
    { policy: { kind: 'RING_HASH', minimumRingSize: 1024, key: { kind: 'header', name: 'x-user' } } },
  ],
  [
    'load-balancer',
    'maglev,source-address=true,table-size=101',
    { policy: { kind: 'MAGLEV', tableSize: 101, key: { kind: 'source-address' } } },
  ],
  ['subset-size', '20', { subsetSize: 20 }],
  ['subset-size', 'off', { subsetSize: 'off' }],
  [
    'health-check',
    'on',
    { healthCheck: { service: '', intervalMs: 10_000, timeoutMs: 1000, unhealthyThreshold: 2, healthyThreshold: 1 } },
  ],
  [
    'health-check',
    'interval=5s,timeout=1.5s,service=echo.Echo,unhealthy-threshold=3,healthy-threshold=4',
    {
      healthCheck: {
        service: 'echo.Echo',
        intervalMs: 5000,
        timeoutMs: 1500,
        unhealthyThreshold: 3,
        healthyThreshold: 4,
      },
    },
  ],
  ['hedging', 'max-attempts=3,delay=50ms', { hedging: { maxAttempts: 3, delayMs: 50 } }],
  ['hedging', 'off', { hedging: 'off' }],
  ['success-rate-ejection', 'on', { successRate: { stdevFactor: 1900, minimumHosts: 5, requestVolume: 100 } }],
  [
    'failure-percentage-ejection',
    'threshold=50',
    { failurePercentage: { threshold: 50, minimumHosts: 5, requestVolume: 50 } },
  ],
];

test('annotations mean what the page says', () => {
  for (const [name, value, settings] of GOOD) {
    assert.deepEqual(parseOne(name, value), { settings, messages: [] }, `${name}: ${value}`);
  }
});

const BAD: readonly (readonly [name: string, value: string, message: RegExp, kind?: string])[] = [
  ['load-balancer', 'peak_ewma', /no policy "peak_ewma"; did you mean peak-ewma\?/],
  ['load-balancer', '', /names no policy; it may be peak-ewma,/],
  ['load-balancer', 'passthrough', /no policy "passthrough"; it may be/],
  ['load-balancer', 'ring-hash', /exactly one of header, cookie/],
  ['load-balancer', 'ring-hash,header=a,cookie=b', /exactly one of/],
  ['load-balancer', 'maglev,header=a,table-size=10', /prime number, not 10/],
  ['load-balancer', 'maglev,source-address=yes', /source-address may only be true, not "yes"/],
  ['load-balancer', 'least-request,choices=1', /choices must be a whole number from 2 to 100, not "1"/],
  ['load-balancer', 'random,choices=2', /knows no choices; it has no settings/],
  ['subset-size', '0', /whole number from 1 to 100000, or off, not "0"/],
  ['subset-size', '-3', /not "-3"/],
  ['health-check', 'interval=5', /interval must be a duration of at least 1ms, as 50ms or 1.5s, not "5"/],
  ['health-check', 'interval', /may be on, off, or key=value/],
  ['health-check', 'intervall=5s', /knows no intervall; did you mean interval\?/],
  ['health-check', 'interval=5s,interval=6s', /interval is said twice/],
  ['health-check', 'interval=5s,now', /"now" is not of the form key=value/],
  ['health-check', 'service=', /service is empty/],
  ['hedging', 'on', /may be off, or key=value/],
  ['hedging', 'max-attempts=3', /needs a delay/],
  ['hedging', 'max-attempts=9,delay=1s', /from 2 to 5, not "9"/],
  ['failure-percentage-ejection', 'threshold=101', /from 0 to 100, not "101"/],
  ['loadbalancer', 'random', /no annotation steelyard.dev\/loadbalancer.*did you mean steelyard.dev\/load-balancer\?/],
  ['retries', '3', /there are load-balancer, subset-size/],
  ['grpc', 'true', /no effect on a DestinationRule; put it on a Service/, 'DestinationRule'],
  ['load-balancer', 'random', /no effect on a Pod; put it on a Service or a DestinationRule/, 'Pod'],
];

test('what cannot be has no effect, and the problem says where and what to do', () => {
  for (const [name, value, wanted, kind] of BAD) {
    const { settings, messages } = parseOne(name, value, kind);
    assert.deepEqual(settings, {}, `${name}: ${value}`);
    assert.match(messages.join('\n'), wanted, `${name}: ${value}`);
    assert.ok(messages.every((message) => message.includes(`${ANNOTATION_PREFIX}${name}`)));
  }
});

test('any value of any annotation is read or refused, never both', () => {
  const value = fc.oneof(fc.string(), fc.stringMatching(/^[a-z-]*(,?[a-z-]+=[0-9a-z.]*)*$/));
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(ANNOTATIONS)), value, (name, text) => {
      const { settings, messages } = parseOne(name, text, 'Service');
      if (messages.length > 0) assert.deepEqual(settings, {});
    }),
    { seed: 1 },
  );
});

test('a bad annotation costs neither the others nor its object', () => {
  const value = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'a',
      annotations: { 'steelyard.dev/subset-size': 'many', 'steelyard.dev/load-balancer': 'random', 'x.dev/y': 'z' },
    },
    spec: { ports: [{ port: 80 }] },
  };
  const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
    defaultNamespace: 'default',
  });
  const [object] = objects.map((entry) => entry.object);
  assert.deepEqual(object?.kind === 'Service' && object.annotations, { policy: { kind: 'RANDOM' } });
  assert.deepEqual(
    diagnostics.map(({ code, path }) => [code, path]),
    [['annotation-invalid', 'metadata.annotations[steelyard.dev/subset-size]']],
  );
});

const GRPC_PORTS: readonly (readonly [value: string, ports: readonly number[], problems: number])[] = [
  ['true', [80, 81], 0],
  ['false', [], 0],
  ['81', [81], 0],
  ['web, 81', [80, 81], 0],
  ['web,dns', [80], 1],
  ['True', [], 1],
];

test('annotation grpc names TCP ports of the Service', () => {
  for (const [grpc, wanted, problems] of GRPC_PORTS) {
    const ports = [
      { name: 'web', port: 80 },
      { name: 'api', port: 81 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    const value = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', annotations: { 'steelyard.dev/grpc': grpc } },
      spec: { ports },
    };
    const { objects, diagnostics } = parseObjects([{ file: 'a', value, locate: () => undefined }], {
      defaultNamespace: 'default',
    });
    const [object] = objects.map((entry) => entry.object);
    assert.deepEqual(object?.kind === 'Service' && object.grpcPorts, wanted, grpc);
    assert.equal(diagnostics.filter(({ code }) => code === 'annotation-invalid').length, problems, grpc);
  }
});

test('the closest name is one that could have been meant', () => {
  const names = ['load-balancer', 'hedging', 'grpc'];
  const cases = [
    ['load-blancer', 'load-balancer'],
    ['laod-balancer', 'load-balancer'],
    ['heding', 'hedging'],
    ['grcp', 'grpc'],
    ['retries', undefined],
    ['', undefined],
  ] as const;
  for (const [text, meant] of cases) assert.equal(closestName(text, names), meant, text);
});
