import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects, type SourceDocument } from '../../config/index.ts';
import { destinationRule, service, slice, virtualService } from '../compile.test-bed.ts';
import { createCompiler } from '../compiler.ts';
import { analyzeObjects } from './analyze-objects.ts';
import { locateFindings } from './locate-findings.ts';

/** Every field has a line of its own: its place in the order of its JSON text. */
function documentOf(file: string, value: unknown): SourceDocument {
  const lines = new Map<string, number>();
  const walk = (at: unknown, path: string): void => {
    lines.set(path, lines.size + 1);
    if (typeof at !== 'object' || at === null) return;
    for (const [key, item] of Object.entries(at)) walk(item, `${path}/${key}`);
  };
  walk(value, '');
  return {
    file,
    value,
    locate(path) {
      for (let length = path.length; length >= 0; length--) {
        const line = lines.get(
          path
            .slice(0, length)
            .map((step) => `/${step}`)
            .join(''),
        );
        if (line !== undefined) return { line, column: 1 };
      }
      return undefined;
    },
  };
}

const rule = {
  host: 'backend',
  trafficPolicy: {
    tls: { mode: 'SIMPLE' },
    portLevelSettings: [
      { port: { number: 9 }, loadBalancer: { simple: 'RANDOM' } },
      { port: { number: 8001 }, connectionPool: { http: { maxRequestsPerConnection: 1 } } },
    ],
  },
  subsets: [{ name: 's', trafficPolicy: { outlierDetection: { interval: '3s' } } }],
};
const ports = [8000, 8001].map((port) => ({ name: `p${port}`, port }));
const route = [{ destination: { host: 'nobody' } }];
const EXPECTED = [
  ['port-without-endpoints', 'spec.ports[0]', 'spec/ports/0'],
  ['port-without-endpoints', 'spec.ports[1]', 'spec/ports/1'],
  ['subset-selects-nothing', 'spec.subsets[0]', 'spec/subsets/0'],
  ['destination-unknown-host', 'spec.http[0].route[0].destination', 'spec/http/0/route/0/destination'],
  ['port-protocol-unclear', 'spec.ports[0]', 'spec/ports/0'],
  ['port-protocol-unclear', 'spec.ports[1]', 'spec/ports/1'],
  ['fault-never-fires', 'spec.http[0].fault.abort', 'spec/http/0/fault/abort'],
  ['port-settings-unused', 'spec.trafficPolicy.portLevelSettings[port 9]', 'spec/trafficPolicy/portLevelSettings/0'],
  ['tls-without-ca', 'spec.trafficPolicy.tls', 'spec/trafficPolicy/tls'],
  [
    'outlier-detection-turns-on-locality',
    'spec.subsets[0].trafficPolicy.outlierDetection',
    'spec/subsets/0/trafficPolicy/outlierDetection',
  ],
  [
    'one-call-per-connection',
    'spec.trafficPolicy.portLevelSettings[port 8001].connectionPool.http.maxRequestsPerConnection',
    'spec/trafficPolicy/portLevelSettings/1/connectionPool/http/maxRequestsPerConnection',
  ],
  [
    'port-settings-replace',
    'spec.trafficPolicy.portLevelSettings[port 8001]',
    'spec/trafficPolicy/portLevelSettings/1',
  ],
] as const;

const objects = [
  service('backend', { ports }),
  destinationRule('d', rule),
  virtualService('v', { hosts: ['backend'], http: [{ fault: { abort: { grpcStatus: 'ABORTED' } }, route }] }),
];

for (const [how, documents, base] of [
  ['in documents of their own', objects.map((value) => documentOf('a.yaml', value)), () => []],
  [
    'in a List',
    [documentOf('a.yaml', { apiVersion: 'v1', kind: 'List', items: objects })],
    (kind: string) => ['items', ['Service', 'DestinationRule', 'VirtualService'].indexOf(kind)],
  ],
] as const) {
  test(`a finding points at the field it names: objects ${how}`, () => {
    const parsed = parseObjects(documents, { defaultNamespace: 'default' });
    const snapshot = createCompiler().compile(parsed);
    const own = parsed.objects.map(({ object }) => object);
    const all = [...snapshot.diagnostics, ...analyzeObjects(snapshot, own)];
    const located = locateFindings(all, parsed, documents);
    assert.deepEqual(
      located.map(({ code, path }) => `${code} ${path ?? ''}`),
      EXPECTED.map(([code, path]) => `${code} ${path}`),
    );
    for (const [index, { code, object, position }] of located.entries()) {
      const kind = object?.kind ?? '';
      const at = documents.length === 1 ? 0 : objects.findIndex((one) => 'kind' in one && one.kind === kind);
      const path = [...base(kind), ...(EXPECTED[index]?.[2].split('/') ?? [])];
      assert.equal(position?.line, documents[at]?.locate(path)?.line, code);
    }
  });
}

test('a finding that points elsewhere stays, and so does one of an object that is not there', () => {
  const documents = [service('backend'), slice('backend', ['p'])].map((value) => documentOf('a.yaml', value));
  const parsed = parseObjects(documents, { defaultNamespace: 'default' });
  const of = (name: string, position: object): object => ({
    code: 'x',
    severity: 'info',
    message: 'X.',
    object: { kind: 'Service', namespace: 'default', name },
    path: 'spec.ports[0]',
    position,
  });
  const findings = [
    of('other', { file: 'a.yaml', line: 1, column: 1 }),
    of('backend', { file: 'b.yaml', line: 1, column: 1 }),
    of('backend', { file: 'a.yaml', line: 999, column: 1 }),
    of('backend', { file: 'a.yaml' }),
  ];
  assert.deepEqual(locateFindings(findings.filter(isFinding), parsed, documents), findings);
});

function isFinding(value: object): value is Parameters<typeof locateFindings>[0][number] {
  return 'code' in value;
}
