export { type ManifestSource, openManifests } from './open-manifests.ts';
export { ManifestsError } from './manifests-error.ts';
