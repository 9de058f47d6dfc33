import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CompilerOptions, createCompiler } from '@steelyard/core/compile';
import { parseObjects } from '@steelyard/core/config';
import type { Cluster } from '@steelyard/core/model';
import { parse } from 'yaml';

interface FactEndpoint {
  readonly at?: string;
  readonly node?: string;
  readonly nodeAt?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly first?: number;
  readonly share?: number;
}

interface Fact {
  readonly is: string;
  /** By outlierDetection; default `true`. */
  readonly watched?: boolean;
  readonly locality?: object;
  readonly zoneAware?: object;
  readonly trafficDistribution?: string;
  readonly annotation?: string;
  readonly client?: {
    readonly place?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly node?: string;
  };
  readonly endpoints: readonly FactEndpoint[];
}

function objectsOf(fact: Fact): readonly object[] {
  const { watched, locality, zoneAware, trafficDistribution, annotation, endpoints } = fact;
  const policy = {
    ...(watched !== false && { outlierDetection: {} }),
    ...(locality !== undefined && { loadBalancer: { localityLbSetting: locality } }),
    ...(zoneAware !== undefined && { loadBalancer: { zoneAwareLbSetting: zoneAware } }),
  };
  const nodes = endpoints.flatMap(({ node, nodeAt }) => {
    if (node === undefined || nodeAt === undefined) return [];
    const [region = '', zone = '', subzone = ''] = nodeAt.split('.');
    const labels = {
      'topology.kubernetes.io/region': region,
      'topology.kubernetes.io/zone': zone,
      'topology.istio.io/subzone': subzone,
    };
    return [{ apiVersion: 'v1', kind: 'Node', metadata: { name: node, labels } }];
  });
  const pods = endpoints.map(({ at, labels }, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p${index}`, labels: { ...labels, ...(at !== undefined && { 'istio-locality': at }) } },
  }));
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'backend',
      ...(annotation !== undefined && { annotations: { 'networking.istio.io/traffic-distribution': annotation } }),
    },
    spec: { ports: [{ name: 'grpc', port: 8000 }], ...(trafficDistribution !== undefined && { trafficDistribution }) },
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'backend-1', labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: endpoints.map(({ node }, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      targetRef: { kind: 'Pod', name: `p${index}` },
      ...(node !== undefined && { nodeName: node }),
    })),
  };
  const rule = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'backend' },
    spec: { host: 'backend', ...(Object.keys(policy).length > 0 && { trafficPolicy: policy }) },
  };
  return [service, slice, rule, ...pods, ...nodes];
}

function clientOf({ place, labels, node }: NonNullable<Fact['client']>): CompilerOptions {
  const [region = '', zone = '', subzone = ''] = (place ?? 'region1/zone1/subzone1').split('/');
  return {
    ...(place !== '' && { clientLocality: { region, zone, subzone } }),
    ...(labels !== undefined && { clientLabels: labels }),
    ...(node !== undefined && { clientNode: node }),
  };
}

/** Of each endpoint its priority, or its share of the calls, as the fact asks for. */
function whatIs({ localities = [], endpoints }: Cluster, fact: Fact): readonly (number | undefined)[] {
  const byShare = fact.endpoints.some(({ share }) => share !== undefined);
  const total = localities.reduce((sum, { weight }) => sum + weight, 0);
  return fact.endpoints.map((_, index) => {
    const at = endpoints.findIndex(({ address }) => address === `10.0.0.${index + 1}`);
    const group = localities.find(({ members }) => members.includes(at));
    if (!byShare) return group?.priority;
    return group === undefined ? 0 : Math.round((100 * group.weight) / total / group.members.length);
  });
}

test('calls stay as near as in Istio', () => {
  const facts: readonly Fact[] = parse(
    readFileSync(new URL('../../../test-data/istio/locality.yaml', import.meta.url), 'utf8'),
  );
  const wrong = facts.flatMap((fact) => {
    const documents = objectsOf(fact).map((value) => ({ file: 'a', value, locate: () => undefined }));
    const parsed = parseObjects(documents, { defaultNamespace: 'default' });
    const snapshot = createCompiler(clientOf(fact.client ?? {})).compile(parsed);
    const cluster = snapshot.clusters.get('outbound|8000||backend.default.svc.cluster.local');
    const is = cluster && whatIs(cluster, fact);
    const wanted = fact.endpoints.map(({ first, share }) => share ?? first);
    return JSON.stringify(is) === JSON.stringify(wanted)
      ? []
      : [`${fact.is}: ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`];
  });
  assert.deepEqual(wrong, []);
  assert.ok(facts.length >= 40);
});
