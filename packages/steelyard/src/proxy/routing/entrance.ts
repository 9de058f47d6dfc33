import type { AddressedService } from '@steelyard/core/routing';
import { createRouteTable, type RouteTable, type RouteTableOptions } from '@steelyard/core/routing';
import { serviceKey, type Snapshot } from '@steelyard/core/model';

/** The listener that a connection came in by, and what that says of its calls. */
export type Entrance =
  /** Each call's `:authority` names its Service; `service` is meant where it names none. */
  | { readonly kind: 'any'; readonly listenPort: number; readonly service?: AddressedService | undefined }
  /** The listener stands for the address of this Service port. */
  | { readonly kind: 'dialled'; readonly service: AddressedService };

export type RoutingOptions = RouteTableOptions & { readonly dialled?: true };

export function routingOf(entrance: Entrance, namespace: string): RoutingOptions {
  const { service } = entrance;
  const listenPort = entrance.kind === 'any' ? entrance.listenPort : entrance.service.port;
  return {
    namespace,
    listenPort,
    ...(service !== undefined && { service }),
    ...(entrance.kind === 'dialled' && { dialled: true }),
  };
}

/** What tells entrances apart. */
export function entranceKey({ kind, service, ...rest }: Entrance): string {
  const port = 'listenPort' in rest ? rest.listenPort : 0;
  return `${kind} ${port} ${service === undefined ? '' : `${service.namespace}/${service.name}:${service.port}`}`;
}

/**
 * The address that a caller dialled says which Service it means, and its `:authority` says nothing more: as for kube-proxy,
 * and as the Gateway API has it for routes of a Service (GEP-1294).
 */
export function createTable(snapshot: Snapshot, { dialled, ...options }: RoutingOptions): RouteTable {
  const { service } = options;
  if (dialled === undefined || service === undefined) return createRouteTable(snapshot, options);
  const { namespace, name, port } = service;
  const host = snapshot.virtualHosts.get(`${name}.${namespace}.svc.${snapshot.clusterDomain}:${port}`);
  return {
    findVirtualHost: () => host,
    explainMiss: () => `The connection is to Service ${serviceKey(namespace, name)} port ${port}, which is gone.`,
  };
}
