import type { ServiceEntry, ServicePort, ServicePortEndpoints } from '../../model/index.ts';
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
  for (const { service, ports } of services) {
    if (service.type === 'ExternalName') continue;
    const name = `${service.namespace}/${service.name}`;
    for (const entry of ports) {
      const { port } = entry;
      if (port.protocol !== 'TCP') continue;
      const label = port.name === '' ? `${port.port}` : `${port.port} ("${port.name}")`;
      const protocol = protocolOf(port);
      if (protocol === undefined && !WELL_KNOWN_TCP.has(port.port)) {
        const message = `Port ${label} of Service ${name} does not say its protocol, so a mesh has to guess it; name it grpc or grpc-…, or set appProtocol: grpc.`;
        report.add('port-protocol-unclear', service, message);
      }
      if (protocol === undefined || !CARRIES_GRPC.has(protocol)) continue;
      if (service.headless) reportPorts(entry, label, name);
      else if (entry.endpoints.length > 1) {
        const message = `Port ${label} of Service ${name} carries gRPC behind a cluster address: without a proxy its calls are balanced by connection, so one pod gets all of a caller's; send them through Steelyard.`;
        report.add('grpc-behind-cluster-ip', service, message);
      }
    }
    function reportPorts({ port, endpoints }: ServicePortEndpoints, label: string, full: string): void {
      const other = endpoints.find((endpoint) => endpoint.port !== port.port);
      if (other === undefined) return;
      const message = `Port ${label} of headless Service ${full} is ${other.port} at its pods: callers that take the addresses from DNS dial ${port.port}, where nothing listens; make them the same.`;
      report.add('headless-port-differs', service, message);
    }
  }
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
