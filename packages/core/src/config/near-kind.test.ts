import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '@steelyard/testkit/properties';
import { lookUpKind } from './kinds.ts';
import { parseObjects } from './parse-objects.ts';

const READ = [
  ['v1', 'Service'],
  ['v1', 'Pod'],
  ['v1', 'Node'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.k8s.io/v1', 'ServiceCIDR'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['networking.istio.io/v1beta1', 'DestinationRule'],
] as const;

/** As written, and what it is told to be: the `kind`, or with a slash or a digit the `apiVersion`. */
const SLIPS: readonly (readonly [string, string, string])[] = [
  ['networking.istio.io/v1', 'VirtualServce', 'kind: VirtualService'],
  ['networking.istio.io/v1', 'Virtualservice', 'kind: VirtualService'],
  ['networking.istio.io/v1', 'VIRTUALSERVICE', 'kind: VirtualService'],
  ['networking.istio.io/v1', 'VirtualServices', 'kind: VirtualService'],
  ['networking.istio.io/v1alpha3', 'DestinationRoule', 'kind: DestinationRule'],
  ['v1', 'Srevice', 'kind: Service'],
  ['v1', 'pod', 'kind: Pod'],
  ['discovery.k8s.io/v1', 'EndpointSlices', 'kind: EndpointSlice'],
  ['v1', 'list', 'kind: List'],
  ['networking.istio.oi/v1', 'VirtualServce', 'kind: VirtualService of networking.istio.io/v1'],
  ['networking.istio.oi/v1beta1', 'VirtualService', 'apiVersion: networking.istio.io/v1beta1'],
  ['networking.istio.io', 'VirtualService', 'apiVersion: networking.istio.io/v1'],
  ['istio.io/v1', 'VirtualService', 'apiVersion: networking.istio.io/v1'],
  ['security.istio.io/v1beta1', 'DestinationRule', 'apiVersion: networking.istio.io/v1beta1'],
  ['v1', 'VirtualService', 'apiVersion: networking.istio.io/v1'],
  ['v1beta1', 'DestinationRule', 'apiVersion: networking.istio.io/v1beta1'],
  ['v1', 'EndpointSlice', 'apiVersion: discovery.k8s.io/v1'],
  ['networking.k8s.io/v1', 'EndpointSlice', 'apiVersion: discovery.k8s.io/v1'],
  ['apps/v1', 'Service', 'apiVersion: v1'],
];

test('a slip is an error that says what was meant', () => {
  for (const [apiVersion, kind, meant] of SLIPS) {
    const value = { apiVersion, kind, metadata: { name: 'a' } };
    const locate = (): { line: number; column: number } => ({ line: 3, column: 7 });
    const { diagnostics, broken } = parseObjects([{ file: 'a.yaml', value, locate }], { defaultNamespace: 'default' });
    const [field = '', told = ''] = meant.split(': ');
    assert.deepEqual(
      diagnostics.map(({ code, severity, path, message, position }) => [code, severity, path, message, position?.line]),
      [['kind-misspelt', 'error', field, `There is no ${kind} in ${apiVersion}; did you mean ${told}?`, 3]],
    );
    const name = field === 'kind' ? told.split(' ')[0] : kind;
    assert.equal(broken[0]?.ref?.kind, name === 'List' ? undefined : name);
  }
});

/** What is found beside our kinds in manifests, some of it with names alike. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['batch/v1', 'CronJob'],
  ['v1', 'ConfigMap'],
  ['v1', 'ServiceAccount'],
  ['v1', 'PodTemplate'],
  ['v1', 'Secret'],
  ['v1', 'Namespace'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
  ['metrics.k8s.io/v1beta1', 'PodMetrics'],
  ['metrics.k8s.io/v1beta1', 'NodeMetrics'],
  ['serving.knative.dev/v1', 'Service'],
  ['appmesh.k8s.aws/v1beta2', 'VirtualService'],
  ['gateway.solo.io/v1', 'VirtualService'],
  ['k8s.nginx.org/v1', 'VirtualServer'],
  ['monitoring.coreos.com/v1', 'ServiceMonitor'],
  ['monitoring.coreos.com/v1', 'PodMonitor'],
  ['multicluster.x-k8s.io/v1alpha1', 'ServiceImport'],
  ['cilium.io/v2', 'CiliumEndpointSlice'],
  ['cilium.io/v2', 'CiliumNode'],
  ['karpenter.sh/v1', 'NodePool'],
  ['kustomize.config.k8s.io/v1beta1', 'Kustomization'],
  ['example.com/v1', 'Nodes'],
  ['install.istio.io/v1alpha1', 'IstioOperator'],
];

test('what is none of ours is not taken for a slip', () => {
  for (const [apiVersion, kind] of FOREIGN) assert.equal(lookUpKind(apiVersion, kind).is, 'unknown', kind);
  for (const kind of ['ServiceEntry', 'WorkloadEntry', 'Gateway', 'Sidecar', 'EnvoyFilter', 'ProxyConfig', 'Foo']) {
    assert.equal(lookUpKind('networking.istio.io/v1', kind).is, 'traffic', kind);
  }
  assert.equal(lookUpKind('networking.k8s.io/v1', 'Ingress').is, 'traffic');
  assert.equal(lookUpKind('networking.k8s.io/v1', 'IngressClass').is, 'unknown');
});

test('any one letter that is lost, doubled, wrong or swapped is seen through', () => {
  const slip = fc
    .tuple(fc.constantFrom(...READ), fc.nat(), fc.constantFrom('lost', 'doubled', 'wrong', 'swapped'))
    .map(([[apiVersion, kind], place, how]) => {
      const at = place % (kind.length - 1);
      const [a = '', b = ''] = [kind[at], kind[at + 1]];
      const instead = { lost: b, doubled: `${a}${a}${b}`, wrong: `#${b}`, swapped: `${b}${a}` }[how];
      return { apiVersion, kind, written: `${kind.slice(0, at)}${instead}${kind.slice(at + 2)}` };
    });
  fc.assert(
    fc.property(slip, ({ apiVersion, kind, written }) => {
      if (written === kind) return;
      assert.deepEqual(lookUpKind(apiVersion, written), { is: 'misspelt', meant: { kind, apiVersion, field: 'kind' } });
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('a version that is nearly a served one is told which', () => {
  const value = { apiVersion: 'networking.istio.io/v1beat1', kind: 'VirtualService', metadata: { name: 'a' } };
  const source = { file: 'a', value, locate: () => undefined };
  const { diagnostics, broken } = parseObjects([source], { defaultNamespace: 'default' });
  assert.match(diagnostics[0]?.message ?? '', /did you mean networking\.istio\.io\/v1beta1\?$/);
  assert.deepEqual(broken[0]?.ref, { kind: 'VirtualService', namespace: 'default', name: 'a' });
});
