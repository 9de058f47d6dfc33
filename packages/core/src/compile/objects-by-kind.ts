import type { ConfigObject, DestinationRule, EndpointSlice, NodeObject, Pod, VirtualService } from '../config/index.ts';
import { type Service, serviceKey } from '../model/index.ts';
import { compareAge } from './order.ts';

/** All objects in force, sorted so that nothing depends on the order they came in. */
export interface ObjectsByKind {
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, Service>;
  readonly pods: ReadonlyMap<string, Pod>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeObject>;
  /** In CIDR notation, sorted, each once. */
  readonly serviceCidrs: readonly string[];
  readonly slices: readonly EndpointSlice[];
  /** The oldest first. */
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: readonly DestinationRule[];
}

export function sortByKind(objects: Iterable<ConfigObject>): ObjectsByKind {
  const services = new Map<string, Service>();
  const pods = new Map<string, Pod>();
  const nodes = new Map<string, NodeObject>();
  const serviceCidrs = new Set<string>();
  const slices: EndpointSlice[] = [];
  const virtualServices: VirtualService[] = [];
  const destinationRules: DestinationRule[] = [];
  for (const object of objects) {
    switch (object.kind) {
      case 'Service':
        services.set(serviceKey(object.namespace, object.name), object);
        break;
      case 'Pod':
        pods.set(serviceKey(object.namespace, object.name), object);
        break;
      case 'Node':
        nodes.set(object.name, object);
        break;
      case 'ServiceCIDR':
        for (const cidr of object.cidrs) serviceCidrs.add(cidr);
        break;
      case 'EndpointSlice':
        slices.push(object);
        break;
      case 'VirtualService':
        virtualServices.push(object);
        break;
      case 'DestinationRule':
        destinationRules.push(object);
        break;
      default:
        object satisfies never;
    }
  }
  return {
    services,
    pods,
    nodes,
    serviceCidrs: [...serviceCidrs].toSorted(),
    slices,
    virtualServices: virtualServices.toSorted(compareAge),
    destinationRules: destinationRules.toSorted(compareAge),
  };
}
