import type { EndpointSlice, FieldPlace } from '../../config/index.ts';
import { refOf, type Service, type ServiceEntry, serviceKey, usableEndpoints } from '../../model/index.ts';
import type { CompileReport } from '../compile-report.ts';
import { joinEndpoints, joinPortless } from './join-endpoints.ts';
import type { ObjectsByKind } from '../objects-by-kind.ts';
import { compareStrings } from '../order.ts';

/** Every Service with its endpoints, in the order of `namespace/name`. */
export function compileServices(objects: ObjectsByKind, report: CompileReport): ReadonlyMap<string, ServiceEntry> {
  const slices = groupSlices(objects, report);
  const keys = [...objects.services.keys()].toSorted(compareStrings);
  const entries = new Map<string, ServiceEntry>();
  for (const key of keys) {
    const service = objects.services.get(key);
    if (service === undefined) continue;
    const own = slices.get(key) ?? [];
    const portless = joinPortless(service, own, objects);
    const entry = {
      service,
      ports: joinEndpoints(service, own, objects),
      ...(portless !== undefined && { portless }),
    };
    entries.set(key, entry);
    reportEndpoints(entry, own, report);
  }
  return entries;
}

function groupSlices(objects: ObjectsByKind, report: CompileReport): ReadonlyMap<string, EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of objects.slices) {
    const key = slice.serviceName === undefined ? undefined : serviceKey(slice.namespace, slice.serviceName);
    if (key === undefined || !objects.services.has(key)) {
      const message =
        slice.serviceName === undefined
          ? 'This EndpointSlice has no label kubernetes.io/service-name, so it belongs to no Service; add it.'
          : `This EndpointSlice is of Service ${slice.namespace}/${slice.serviceName}, which is not there; add it.`;
      report.add('slice-without-service', slice, message);
      continue;
    }
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

function reportEndpoints(entry: ServiceEntry, slices: readonly EndpointSlice[], report: CompileReport): void {
  const { service } = entry;
  if (service.type === 'ExternalName') {
    const alias = `${service.namespace}/${service.name} is a DNS alias of ${service.externalName ?? ''}`;
    report.add('external-name', service, `Service ${alias} and is not balanced; call that name itself.`);
    return;
  }
  for (const [index, { port, endpoints }] of entry.ports.entries()) {
    if (usableEndpoints(endpoints).length > 0) continue;
    const label = port.name === '' ? `${port.port}` : `${port.port} ("${port.name}")`;
    const { name, namespace } = refOf(service);
    const message = `Port ${label} of Service ${namespace}/${name} has no endpoint for new calls: ${whyNone(endpoints.length, slices)}.`;
    report.add('port-without-endpoints', service, message, placeOfPort(service, index));
  }
}

/** @param index of the port in the Service's own list, which all others follow */
export function placeOfPort({ position }: Service, index: number): FieldPlace {
  return { path: `spec.ports[${index}]`, ...(position !== undefined && { position }) };
}

function whyNone(known: number, slices: readonly EndpointSlice[]): string {
  if (known > 0) return `none of its ${known} endpoints is ready`;
  if (slices.length === 0) return 'no EndpointSlice has its name as label kubernetes.io/service-name';
  const names = new Set(slices.flatMap((slice) => slice.ports.map((port) => `"${port.name}" ${port.protocol}`)));
  if (slices.every((slice) => slice.endpoints.length === 0)) return 'its EndpointSlices are empty';
  return `ports join by name and protocol, and its EndpointSlices have ${[...names].toSorted(compareStrings).join(', ') || 'no port'}`;
}
