import { closestName, isNear } from './annotations/closest-name.ts';

/** A kind that is read, as far as its name goes. */
export interface NamedKind {
  readonly kind: string;
  readonly group: string;
  /** The newest first. */
  readonly apiVersions: readonly string[];
}

/** What an object was probably meant to be. */
export interface NearKind {
  readonly kind: string;
  readonly apiVersion: string;
  /** What is written differently. */
  readonly field: 'kind' | 'apiVersion';
}

/**
 * What else the groups hold that kinds are read from. Nobody but their owners may add to these, so what is none of them
 * there, and nearly one that is read, is a slip.
 */
const OTHER_KINDS: Readonly<Record<string, readonly string[]>> = {
  '': [
    'Binding',
    'ComponentStatus',
    'ConfigMap',
    'Endpoints',
    'Event',
    'LimitRange',
    'Namespace',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'PodTemplate',
    'ReplicationController',
    'ResourceQuota',
    'Secret',
    'ServiceAccount',
  ],
  'discovery.k8s.io': [],
  'networking.k8s.io': ['IPAddress', 'Ingress', 'IngressClass', 'NetworkPolicy'],
  'networking.istio.io': [
    'EnvoyFilter',
    'Gateway',
    'ProxyConfig',
    'ServiceEntry',
    'Sidecar',
    'WorkloadEntry',
    'WorkloadGroup',
  ],
};

/** A List of any kind is opened before kinds are looked up; its name can be misspelt just as well. */
const LIST: NamedKind = { kind: 'List', group: '', apiVersions: ['v1'] };

/** Edits by which a group may differ: of two groups that exist none are as near. */
const MOST_EDITS = 2;

/**
 * Which kind that is read an unknown one is a slip of. Kinds of other people's groups are never taken for one, however
 * they are called: Knative has a Service, AWS App Mesh a VirtualService.
 */
export function nearKind(apiVersion: string, kind: string, known: readonly NamedKind[]): NearKind | undefined {
  const [group, version] = splitVersion(apiVersion);
  const same = known.find((one) => one.kind === kind);
  if (same !== undefined) {
    if (!isMistakenFor(group, same.group)) return undefined;
    return { kind, apiVersion: versionOf(same, version), field: 'apiVersion' };
  }
  // Of a List it is said what is wrong with its items.
  if (kind.endsWith(LIST.kind)) return undefined;
  const meant = known.map((one) => one.group).find((own) => own === group || isNearGroup(group, own));
  if (meant === undefined || OTHER_KINDS[meant]?.includes(kind) === true) return undefined;
  const candidates = [...known, LIST].filter((one) => one.group === meant);
  const lower = candidates.map((one) => one.kind.toLowerCase());
  const closest = closestName(kind.toLowerCase(), lower);
  const found = closest === undefined ? undefined : candidates[lower.indexOf(closest)];
  return found && { kind: found.kind, apiVersion: versionOf(found, version), field: 'kind' };
}

/** The served version that a near one was meant to be. */
export function nearVersion(apiVersion: string, apiVersions: readonly string[]): string | undefined {
  return apiVersions.find((served) => isNear(apiVersion, served, MOST_EDITS));
}

function splitVersion(apiVersion: string): readonly [string, string] {
  const slash = apiVersion.indexOf('/');
  if (slash >= 0) return [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  // `networking.istio.io` is a group that lacks its version, `v1` a version of the group without a name.
  return apiVersion.includes('.') ? [apiVersion, ''] : ['', apiVersion];
}

function versionOf({ group, apiVersions }: NamedKind, version: string): string {
  const asWritten = group === '' ? version : `${group}/${version}`;
  return apiVersions.find((one) => one === asWritten) ?? apiVersions[0] ?? asWritten;
}

/**
 * Whether a group cannot have a kind of that name. Names without a dot, and those below k8s.io and istio.io, are those
 * projects' own (Kubernetes API conventions, "Naming of the resource groups").
 */
function isMistakenFor(group: string, own: string): boolean {
  const owners = ['istio.io', 'k8s.io'];
  const isOwned = owners.some((owner) => group === owner || group.endsWith(`.${owner}`));
  return !group.includes('.') || isOwned || isNearGroup(group, own);
}

function isNearGroup(group: string, own: string): boolean {
  if (group === '' || own === '') return false;
  return isNear(group, own, MOST_EDITS) || (own.includes('istio') && group.split('.').includes('istio'));
}
