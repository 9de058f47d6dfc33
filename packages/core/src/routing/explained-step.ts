import {
  type Cluster,
  type Diagnostic,
  type ObjectRef,
  type Route,
  type ServiceEntry,
  serviceKey,
  type Snapshot,
} from '../model/index.ts';

/** One decision on the way of a call. */
export interface ExplainedStep {
  readonly step:
    | 'host'
    | 'virtual-service'
    | 'route'
    | 'action'
    | 'destination'
    | 'destination-rule'
    | 'locality'
    | 'endpoints'
    | 'watch'
    | 'tls'
    | 'policy';
  /** The object that decided; absent where a default holds. */
  readonly object?: ObjectRef;
  /** The field of it that decided, in kubectl's spelling. */
  readonly field?: string;
  /** One sentence. */
  readonly decision: string;
  /** Why, and why not otherwise: a sentence each. */
  readonly because: readonly string[];
}

/** Whether a finding names the host. */
export function concerns({ message }: Diagnostic, host: string): boolean {
  return message.split(/[ ,:;]+/).some((word) => word.replace(/\.$/, '') === host);
}

/** The Service whose pods a cluster's are; no `entry` where it is gone, or the host is none. */
export function serviceOfCluster(
  { services }: Snapshot,
  { host }: Cluster,
): { readonly object: ObjectRef; readonly entry: ServiceEntry | undefined } {
  const [name = '', namespace = ''] = host.split('.');
  return { object: { kind: 'Service', namespace, name }, entry: services.get(serviceKey(namespace, name)) };
}

/** Why a cluster has no endpoint that it could have; `undefined` where its Service and port are known. */
export function whyUnknown(snapshot: Snapshot, cluster: Cluster): string | undefined {
  const { entry } = serviceOfCluster(snapshot, cluster);
  if (entry === undefined) return `No Service ${cluster.host} is known.`;
  if (entry.ports.some(({ port }) => port.port === cluster.port)) return undefined;
  return `Service ${cluster.host} has no port ${cluster.port}.`;
}

/** The rule of a VirtualService that a route is, or of the one that delegates to it where that says the part. */
export function ofRoute(route: Route, part = ''): { readonly object?: ObjectRef; readonly field?: string } {
  const [field = ''] = part.split('.', 1);
  const { virtualService, path } = route.delegatedBy?.fields.includes(field) === true ? route.delegatedBy : route;
  return {
    ...(virtualService !== undefined && { object: virtualService }),
    ...(path !== undefined && { field: path }),
  };
}
