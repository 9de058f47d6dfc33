import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, destinationRule, service } from './compile.test-bed.ts';
import { type CompilerOptions, createCompiler } from './compiler.ts';

const zoned = (zones: readonly string[]): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', port: 8000 }],
  endpoints: zones.map((zone, index) => ({ addresses: [`10.0.0.${index + 1}`], zone })),
});
const TWO = zoned(['a', 'b']);
const outlierDetection = {};
const near = (localityLbSetting: object): object => ({ loadBalancer: { localityLbSetting } });
const spread = near({ distribute: [{ from: 'r/a', to: { 'r/b': 100 } }] });
const byLabels = (...failoverPriority: readonly string[]): object => ({
  ...near({ failoverPriority }),
  outlierDetection,
});
const rule = (trafficPolicy: object, subset?: object): object =>
  destinationRule('d', {
    host: 'backend',
    trafficPolicy: { tls: { mode: 'DISABLE' }, ...trafficPolicy },
    ...(subset !== undefined && { subsets: [{ name: 's', trafficPolicy: subset }] }),
  });
const of = (spec: object, ...others: readonly object[]): readonly object[] => [service('backend', spec), ...others];

const REGION = 'topology.kubernetes.io/region';
const inA: CompilerOptions = { clientLocality: { region: 'r', zone: 'a', subzone: '' } };
const web: CompilerOptions = { clientLabels: { app: 'web' } };
const LOCALITY = 'spec.trafficPolicy.loadBalancer';
const BY = `${LOCALITY}.localityLbSetting.failoverPriority`;

/** Where it is found, and what is to be said. */
const CASES: readonly [string, readonly object[], CompilerOptions, readonly string[]][] = [
  ['distribute', of({}, rule(spread)), {}, [`${LOCALITY}: --locality or --node-name`]],
  ['distribute, told', of({}, rule(spread)), inA, []],
  [
    'distribute alike from everywhere',
    of({}, rule(near({ distribute: [{ from: '*', to: { 'r/a': 50, 'r/b': 50 } }] }))),
    {},
    [],
  ],
  [
    'distribute of a subset',
    of({}, rule({}, spread)),
    {},
    ['spec.subsets[0].trafficPolicy.loadBalancer: --locality or --node-name'],
  ],
  [
    'of a subset that turns it off',
    of({}, rule(spread, near({ enabled: false }))),
    {},
    [`${LOCALITY}: --locality or --node-name`],
  ],
  [
    'of a port',
    of({}, rule({ portLevelSettings: [{ port: { number: 8000 }, ...spread }] })),
    {},
    ['spec.trafficPolicy.portLevelSettings[port 8000].loadBalancer: --locality or --node-name'],
  ],
  ['of a port that is not there', of({}, rule({ portLevelSettings: [{ port: { number: 9 }, ...spread }] })), {}, []],
  ['places by label', of({}, rule(byLabels(REGION, 'version=v2'))), {}, [`${BY}: --locality or --node-name`]],
  ['places by label, told', of({}, rule(byLabels(REGION, 'version=v2'))), inA, []],
  ['labels', of({}, rule(byLabels('version'))), {}, [`${BY}: --labels`]],
  ['labels, told others', of({}, rule(byLabels('version'))), web, []],
  ['labels, told the place', of({}, rule(byLabels('version'))), inA, [`${BY}: --labels`]],
  ['labels with a value, nothing told', of({}, rule(byLabels('version=v2'))), {}, [`${BY}: --labels`]],
  ['labels with a value, something told', of({}, rule(byLabels('version=v2'))), inA, []],
  [
    'labels and nodes',
    of({}, rule(byLabels('version', 'kubernetes.io/hostname'))),
    {},
    [`${BY}: --node-name, and --labels`],
  ],
  [
    'labels beside zones',
    of({}, rule({ loadBalancer: { zoneAwareLbSetting: { failoverPriority: ['version'] } } })),
    inA,
    ['spec.trafficPolicy.loadBalancer.zoneAwareLbSetting.failoverPriority: --labels'],
  ],
  ['labels that nobody ranks by', of({}, rule(near({ failoverPriority: [REGION] }))), {}, []],
  [
    'outlier detection',
    of({}, TWO, rule({ outlierDetection })),
    {},
    ['spec.trafficPolicy.outlierDetection: --locality or --node-name'],
  ],
  ['outlier detection, told', of({}, TWO, rule({ outlierDetection })), inA, []],
  ['outlier detection in one place', of({}, zoned(['a', 'a']), rule({ outlierDetection })), {}, []],
  [
    'outlier detection, and places are off',
    of({}, TWO, rule({ outlierDetection, ...near({ enabled: false }) })),
    {},
    [],
  ],
  [
    'outlier detection of a subset whose places are off',
    of({}, TWO, rule(near({ enabled: false }), { outlierDetection })),
    {},
    [],
  ],
  ['PASSTHROUGH', of({}, TWO, rule({ outlierDetection, loadBalancer: { simple: 'PASSTHROUGH' } })), {}, []],
  [
    'the Service’s own wish',
    of({ trafficDistribution: 'PreferClose' }, TWO),
    {},
    ['spec.trafficDistribution: --locality or --node-name'],
  ],
  [
    'the Service’s own wish beside outlier detection',
    of({ trafficDistribution: 'PreferClose' }, TWO, rule({ outlierDetection })),
    {},
    ['spec.trafficDistribution: --locality or --node-name'],
  ],
  [
    'the Service’s own wish, not heard',
    of({ trafficDistribution: 'PreferClose' }, rule(near({ enabled: false }))),
    {},
    [],
  ],
  ['local calls', of({ internalTrafficPolicy: 'Local' }), {}, ['spec.internalTrafficPolicy: --node-name']],
];

test('what goes by callers of whom it is not told is found at its field, with the option that tells it', () => {
  for (const [why, objects, options, expected] of CASES) {
    const found = compile(objects, createCompiler(options)).diagnostics.filter(
      ({ code }) => code === 'callers-unknown',
    );
    assert.deepEqual(
      found.map(
        ({ path, message }) =>
          `${path ?? ''}: ${/say (?<options>--.*?)(?:, or set .*)?\.$/.exec(message)?.groups?.['options'] ?? message}`,
      ),
      expected,
      why,
    );
  }
});
