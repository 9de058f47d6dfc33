export { type ManifestSource, openManifests } from './open-manifests.ts';
export { ManifestsError } from './manifests-error.ts';
export { type ClusterOptions, hasClusterAccount, openCluster } from './open-cluster.ts';
export { ClusterError, type ClusterErrorCode } from './cluster-error.ts';
export type { ClusterSource } from './cluster/create-cluster-source.ts';
export type { ClusterKind } from './cluster/resource-kind.ts';
export type { KindCounts, KindPhase, KindStatus } from './cluster/kind-status.ts';
export { renderKubeMetrics } from './render-metrics.ts';
