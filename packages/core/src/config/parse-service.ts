import type { Protocol, Service, ServicePort, ServiceType } from '../model/index.ts';
import { readAnnotations, readGrpcPorts } from './annotations/read-annotations.ts';
import type { FieldReader } from './field-reader.ts';
import { parseIpAddress } from './ip-address.ts';
import { type Metadata, TRAFFIC_DISTRIBUTION } from './metadata.ts';
import { isDnsLabel, readDnsLabel } from './names.ts';
import { readServiceDelivery } from './read-service-delivery.ts';

export const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
export const PORT_NUMBER = { min: 1, max: 65_535 } as const;

const TYPES: readonly ServiceType[] = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];

export function parseService(reader: FieldReader, metadata: Metadata): Service | undefined {
  if (!isDnsLabel(metadata.name)) {
    const message = `A Service's name must be a DNS label without dots, not "${metadata.name}".`;
    reader.report.report('invalid-value', ['metadata', 'name'], message);
  }
  reader.require('spec');
  const spec = reader.mapping('spec');
  if (spec === undefined) return undefined;
  const type = spec.word('type', TYPES) ?? 'ClusterIP';
  const addresses = readClusterIps(spec);
  const headless = addresses === 'None';
  const externalName = readDnsName(spec);
  if (type === 'ExternalName') spec.require('externalName');
  // Only headless Services and aliases may do without ports (Kubernetes API, ServiceSpec.ports).
  if (!headless && type !== 'ExternalName') spec.require('ports');
  const proxyName = metadata.labels['service.kubernetes.io/service-proxy-name'];
  const ports = (spec.mappings('ports') ?? []).flatMap((port) => readPort(port, type) ?? []);
  checkPorts(spec, ports);
  readRest(spec);
  const trafficDistribution = readTrafficDistribution(spec, metadata.trafficDistribution);
  const delivery = readServiceDelivery(reader, spec, type);
  spec.finish();
  const annotations = readAnnotations(reader, 'Service', metadata.annotations);
  const grpcPorts = annotations.grpc && readGrpcPorts(reader, annotations.grpc, ports);
  if (reader.report.hasErrors) return undefined;
  return {
    kind: 'Service',
    namespace: metadata.namespace,
    name: metadata.name,
    type,
    headless: headless && type !== 'ExternalName',
    clusterIps: headless || type === 'ExternalName' ? [] : addresses,
    ...(externalName !== undefined && { externalName }),
    ports,
    ...delivery,
    ...(metadata.exportTo !== undefined && { exportTo: metadata.exportTo }),
    ...(trafficDistribution !== undefined && { trafficDistribution }),
    ...(proxyName !== undefined && { serviceProxyName: proxyName }),
    ...(Object.keys(annotations.settings).length > 0 && { annotations: annotations.settings }),
    ...(grpcPorts !== undefined && { grpcPorts }),
    position: metadata.position,
  };
}

/** Both fields say the same (`clusterIP` is the first of `clusterIPs`); a manifest may give either. */
function readClusterIps(spec: FieldReader): 'None' | readonly string[] {
  const single = spec.string('clusterIP') ?? '';
  const several = spec.strings('clusterIPs') ?? [];
  if (single !== '' && several.length > 0 && several[0] !== single) {
    const message = `The first of clusterIPs must be clusterIP "${single}", not "${several[0] ?? ''}".`;
    spec.report.report('invalid-value', spec.at('clusterIPs', 0), message);
  }
  const texts = several.length > 0 ? several : [single];
  if (texts[0] === 'None') return 'None';
  return texts.flatMap((text, index) => {
    // Not allocated yet.
    if (text === '') return [];
    const parsed = parseIpAddress(text);
    if (parsed !== undefined) return [parsed.address];
    const path = several.length > 0 ? spec.at('clusterIPs', index) : spec.at('clusterIP');
    spec.report.report('invalid-value', path, `A cluster address must be an IP address or None, not "${text}".`);
    return [];
  });
}

function readDnsName(spec: FieldReader): string | undefined {
  const text = spec.string('externalName');
  return text === undefined || text === '' ? undefined : text.toLowerCase().replace(/\.$/, '');
}

function readPort(port: FieldReader, type: ServiceType): ServicePort | undefined {
  const name = port.has('name') && port.value('name') !== '' ? readDnsLabel(port, 'name') : port.string('name');
  const protocol = port.word('protocol', PROTOCOLS) ?? 'TCP';
  port.require('port');
  const number = port.integer('port', PORT_NUMBER);
  const targetPort = readTargetPort(port);
  const appProtocol = port.string('appProtocol');
  const nodePort = port.value('nodePort') === 0 ? undefined : port.integer('nodePort', PORT_NUMBER);
  // With a type that has node ports, spec.type is what gets the Diagnostic.
  const hasNodePorts = type === 'NodePort' || type === 'LoadBalancer';
  if (!hasNodePorts && nodePort !== undefined) {
    port.notHonoured(`a Service of type ${type} has no node ports`, 'nodePort');
  }
  port.finish();
  if (number === undefined) return undefined;
  return {
    name: name ?? '',
    protocol,
    port: number,
    targetPort: targetPort ?? number,
    ...(appProtocol !== undefined && { appProtocol }),
    ...(hasNodePorts && nodePort !== undefined && { nodePort }),
  };
}

function readTargetPort(port: FieldReader): number | string | undefined {
  const value = port.value('targetPort');
  // The API server's default for 0 and "" is the port itself.
  if (value === 0 || value === '') return undefined;
  return typeof value === 'string' ? value : port.integer('targetPort', PORT_NUMBER);
}

function checkPorts(spec: FieldReader, ports: readonly ServicePort[]): void {
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    if (ports.length > 1 && port.name === '') {
      spec.report.report('missing-field', spec.at('ports', index), 'Each of several ports needs a name; add it.');
    } else if (names.has(port.name)) {
      spec.report.report(
        'invalid-value',
        spec.at('ports', index),
        `Port name "${port.name}" occurs twice; rename one.`,
      );
    }
    names.add(port.name);
    const number = `${port.port}/${port.protocol}`;
    if (numbers.has(number)) {
      spec.report.report('invalid-value', spec.at('ports', index), `Port ${number} occurs twice; remove one.`);
    }
    numbers.add(number);
  }
}

function readRest(spec: FieldReader): void {
  // The EndpointSlice controller turns the selector and publishNotReadyAddresses into slices; the slices are read.
  spec.stringMap('selector');
  spec.boolean('publishNotReadyAddresses');
  // The addresses themselves say the families; the load balancer's class is not about balancing inside the cluster.
  spec.ignore('ipFamilies', 'ipFamilyPolicy', 'loadBalancerClass', 'allocateLoadBalancerNodePorts');
}

const DISTRIBUTIONS = {
  PreferSameZone: 'PreferSameZone',
  PreferClose: 'PreferSameZone',
  PreferSameNode: 'PreferSameNode',
} as const;

/** KEP-3015; Istio's older annotation, in any case, counts where the field says nothing (`GetTrafficDistribution`). */
function readTrafficDistribution(spec: FieldReader, annotated: string | undefined): Service['trafficDistribution'] {
  const field = spec.string('trafficDistribution') ?? '';
  const word = field === '' ? (annotated ?? '') : field;
  if (word === '') return undefined;
  const known = Object.entries(DISTRIBUTIONS);
  const found = known.find(([name]) => (field === '' ? name.toLowerCase() === word.toLowerCase() : name === word));
  if (found !== undefined) return found[1];
  const message = `There is no traffic distribution "${word}", so calls go to all endpoints alike; it may be ${known.map(([name]) => name).join(', ')}.`;
  const path = field === '' ? ['metadata', 'annotations', TRAFFIC_DISTRIBUTION] : spec.at('trafficDistribution');
  spec.report.report('field-not-honoured', path, message);
  return undefined;
}
