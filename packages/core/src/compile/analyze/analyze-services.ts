import {
  renderEndpointAddress,
  type Service,
  type ServiceEntry,
  type ServicePort,
  type ServicePortEndpoints,
} from '../../model/index.ts';
import type { FieldPlace } from '../../config/index.ts';
import { placeOfPort } from '../clusters/compile-services.ts';
import type { CompileReport } from '../compile-report.ts';

/** Istio's protocols by port name (`grpc`, `grpc-web`, `http2-api`) or `appProtocol`; of the well-known numbers, TCP. */
const PROTOCOLS = new Set([
  'http',
  'http2',
  'https',
  'grpc',
  'grpc-web',
  'tcp',
  'tls',
  'mongo',
  'redis',
  'mysql',
  'udp',
  'http_proxy',
]);
const APP_PROTOCOLS = new Set(['kubernetes.io/h2c', 'kubernetes.io/ws', 'kubernetes.io/wss']);
const CARRIES_GRPC = new Set(['grpc', 'http2', 'kubernetes.io/h2c']);
const WELL_KNOWN_TCP = new Set([25, 53, 3306, 27_017]);

/** What the manifests of Services say, or leave open, that gRPC callers suffer from. */
export function analyzeServices(services: Iterable<ServiceEntry>, report: CompileReport): void {
  const all = [...services];
  reportDisagreement(all, report);
  for (const { service, ports } of all) {
    if (service.type === 'ExternalName') {
      reportAlias(service, report);
      continue;
    }
    const name = `${service.namespace}/${service.name}`;
    for (const [index, entry] of ports.entries()) {
      const { port } = entry;
      const place = placeOfPort(service, index);
      if (port.protocol !== 'TCP') continue;
      const label = port.name === '' ? `${port.port}` : `${port.port} ("${port.name}")`;
      const protocol = protocolIn(service, port);
      if (protocol === undefined && !WELL_KNOWN_TCP.has(port.port)) {
        const message = `Port ${label} of Service ${name} does not say its protocol, so a mesh has to guess it; name it grpc or grpc-…, or set appProtocol: grpc.`;
        report.add('port-protocol-unclear', service, message, place);
      }
      if (protocol === undefined || !CARRIES_GRPC.has(protocol)) continue;
      if (service.headless) reportPorts(entry, label, name, place);
      else if (entry.endpoints.length > 1) {
        const message = `Port ${label} of Service ${name} carries gRPC behind a cluster address: without a proxy its calls are balanced by connection, so one pod gets all of a caller's; send them through Steelyard.`;
        report.add('grpc-behind-cluster-ip', service, message, place);
      }
    }
    function reportPorts(
      { port, endpoints }: ServicePortEndpoints,
      label: string,
      full: string,
      place: FieldPlace,
    ): void {
      const other = endpoints.find((endpoint) => endpoint.port !== port.port);
      if (other === undefined) return;
      const message = `Port ${label} of headless Service ${full} is ${other.port} at its pods: callers that take the addresses from DNS dial ${port.port}, where nothing listens; make them the same.`;
      report.add('headless-port-differs', service, message, place);
    }
  }
}

/** Istio: IST0150. */
function reportAlias(service: Service, report: CompileReport): void {
  for (const [index, port] of service.ports.entries()) {
    if (port.protocol !== 'TCP' || (protocolOf(port) ?? 'tcp') !== 'tcp') continue;
    const message = `Port ${port.port} of Service ${service.namespace}/${service.name} of type ExternalName does not say its protocol, so a mesh takes all calls to that port for its own; name it grpc or grpc-…, or set appProtocol: grpc.`;
    report.add('external-name-port', service, message, placeOfPort(service, index));
  }
}

/** Services that say different things of one port of one Pod (Istio: IST0116, IST0137). */
function reportDisagreement(services: readonly ServiceEntry[], report: CompileReport): void {
  const said = new Map<string, { readonly service: Service; readonly protocol: string }>();
  for (const { service, ports } of services) {
    for (const [index, { port, endpoints }] of ports.entries()) {
      const protocol = port.protocol === 'TCP' ? protocolOf(port) : undefined;
      if (protocol === undefined) continue;
      for (const { address, port: number } of endpoints) {
        const key = renderEndpointAddress(address, number);
        const other = said.get(key);
        if (other === undefined) said.set(key, { service, protocol });
        else if (other.protocol !== protocol) {
          const names = [other.service, service].map((one) => `${one.namespace}/${one.name}`);
          const message = `Port ${number} of a Pod carries ${other.protocol} for Service ${names[0]} and ${protocol} for Service ${names[1]}; say the same in both.`;
          report.add('pod-port-disagreement', service, message, placeOfPort(service, index));
        }
      }
    }
  }
}

/** By what the Service's annotation and its port say. */
export function carriesGrpc(service: Service, port: ServicePort): boolean {
  return port.protocol === 'TCP' && CARRIES_GRPC.has(protocolIn(service, port) ?? '');
}

function protocolIn(service: Service, port: ServicePort): string | undefined {
  return service.grpcPorts?.includes(port.port) === true ? 'grpc' : protocolOf(port);
}

/** As Istio reads it: `appProtocol` first, else what stands before the first dash of the name. */
function protocolOf({ name, appProtocol }: ServicePort): string | undefined {
  const declared = appProtocol?.toLowerCase();
  if (declared !== undefined) return PROTOCOLS.has(declared) || APP_PROTOCOLS.has(declared) ? declared : undefined;
  const lower = name.toLowerCase();
  if (lower === 'grpc-web' || lower.startsWith('grpc-web-')) return 'grpc-web';
  const prefix = lower.split('-')[0] ?? '';
  return PROTOCOLS.has(prefix) ? prefix : undefined;
}
