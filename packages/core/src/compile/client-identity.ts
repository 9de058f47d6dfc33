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

/**
 * Why a match is not for these callers or this port at all, in words; `undefined`: it is (pilot/pkg/networking/core/route,
 * `sourceMatchHTTP`).
 */
export function whyNotMeant(
  match: HttpMatch,
  port: number,
  namespace: string,
  identity: ClientIdentity,
): string | undefined {
  const { gateways, sourceLabels, sourceNamespace } = match;
  const { clientLabels, clientNamespace } = identity;
  if (match.port !== undefined && match.port !== port) {
    return `port must be ${match.port}, and it is ${port === 0 ? 'one that no rule names' : port}`;
  }
  if (gateways.length > 0) {
    if (servesGateway(gateways, namespace, identity)) return undefined;
    return `gateways must have one of ${identity.gateways.join(', ')}, and has ${gateways.join(', ')}`;
  }
  if (!hasLabels(clientLabels, sourceLabels)) {
    const known = Object.keys(clientLabels).length === 0 ? 'not known' : renderLabels(clientLabels);
    return `the callers' labels must have ${renderLabels(sourceLabels)}, and are ${known}`;
  }
  if (sourceNamespace === '' || sourceNamespace === clientNamespace) return undefined;
  return `the callers' namespace must be ${sourceNamespace}, and it is ${clientNamespace}`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
