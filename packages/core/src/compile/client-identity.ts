import type { HttpMatch } from '../config/index.ts';

/** A place in the cluster; what is not known is empty. */
export interface ClientLocality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

/** Whose calls a Snapshot is for: what Istio's static selectors are compared with. */
export interface ClientIdentity {
  readonly clientNamespace: string;
  /** Labels of the calling workload. */
  readonly clientLabels: Readonly<Record<string, string>>;
  /** `mesh`, or the gateways (`namespace/name`) that the proxy is. */
  readonly gateways: readonly string[];
  readonly clientLocality?: ClientLocality;
  /** Name of the Node the callers are on. */
  readonly clientNode?: string;
}

export function hasLabels(
  labels: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>>,
): boolean {
  const entries = Object.entries(wanted);
  if (entries.length === 0) return true;
  return labels !== undefined && entries.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/** A gateway is named from the namespace of the object that says it, unless it names another. */
export function servesGateway(gateways: readonly string[], namespace: string, identity: ClientIdentity): boolean {
  return gateways.some((gateway) => identity.gateways.includes(fullGatewayName(gateway, namespace)));
}

/** `mesh`, or `namespace/name` (pilot/pkg/model, `resolveGatewayName`). */
export function fullGatewayName(gateway: string, namespace: string): string {
  if (gateway === 'mesh') return gateway;
  if (gateway.startsWith('./')) return `${namespace}/${gateway.slice(2)}`;
  if (gateway.includes('/')) return gateway;
  // An old form, name.namespace.svc.cluster.local.
  const [name = '', owner] = gateway.split('.');
  return `${owner ?? namespace}/${name}`;
}

/** Whether a match is for these callers and this port at all (pilot/pkg/networking/core/route, `sourceMatchHTTP`). */
export function isMeant(match: HttpMatch, port: number, namespace: string, identity: ClientIdentity): boolean {
  if (match.port !== undefined && match.port !== port) return false;
  if (match.gateways.length > 0) return servesGateway(match.gateways, namespace, identity);
  if (!hasLabels(identity.clientLabels, match.sourceLabels)) return false;
  return match.sourceNamespace === '' || match.sourceNamespace === identity.clientNamespace;
}
