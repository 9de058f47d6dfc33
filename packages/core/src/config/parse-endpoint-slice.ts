import type { EndpointSlice, SliceEndpoint, SlicePort } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { parseIpAddress } from './ip-address.ts';
import type { Metadata } from './metadata.ts';
import { readDnsLabel } from './names.ts';
import { PORT_NUMBER, PROTOCOLS } from './parse-service.ts';

const ONLY_RULES = "only the Service's rules follow it, calls go to all endpoints, near and far alike";
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** discovery.k8s.io/v1: there is no `spec`, the fields stand beside `metadata`. */
export function parseEndpointSlice(reader: FieldReader, metadata: Metadata): EndpointSlice | undefined {
  reader.require('addressType');
  const addressType = reader.word('addressType', ['IPv4', 'IPv6', 'FQDN']);
  const ports = (reader.mappings('ports') ?? []).flatMap((port) => readPort(port) ?? []);
  if (addressType === 'FQDN') {
    const message = 'addressType FQDN is not used, as kube-proxy does not; list IP addresses instead.';
    reader.fail('addressType', 'fqdn-slice', message);
    reader.ignore('endpoints');
    return undefined;
  }
  const hints = new HintsOnce();
  const endpoints = (reader.mappings('endpoints') ?? []).flatMap((endpoint) => {
    return (addressType && readEndpoint(endpoint, addressType, hints)) ?? [];
  });
  if (reader.report.hasErrors || addressType === undefined) return undefined;
  const serviceName = metadata.labels[SERVICE_NAME_LABEL];
  return {
    kind: 'EndpointSlice',
    namespace: metadata.namespace,
    name: metadata.name,
    ...(serviceName !== undefined && serviceName !== '' && { serviceName }),
    family: addressType,
    ports,
    endpoints,
    position: metadata.position,
  };
}

/** A field that the slice controller writes on every endpoint is reported at the first one only. */
class HintsOnce {
  readonly #reported = new Set<string>();

  notHonoured(endpoint: FieldReader, field: string, instead: string): void {
    if (this.#reported.has(field) || !endpoint.has(field)) endpoint.ignore(field);
    else {
      this.#reported.add(field);
      endpoint.notHonoured(instead, field);
    }
  }
}

function readPort(port: FieldReader): SlicePort | undefined {
  // A nil name is an unnamed port: the API server writes "" for it.
  const name = port.value('name') === '' ? '' : (readDnsLabel(port, 'name') ?? '');
  const protocol = port.word('protocol', PROTOCOLS) ?? 'TCP';
  // Says the protocol above TCP; the Service's port says the same.
  port.string('appProtocol');
  if (port.value('port') === undefined || port.value('port') === 0) {
    const message = `Port "${name}" has no number and is skipped; give it one.`;
    port.report.report('slice-port-without-number', port.path, message);
    port.finish();
    return undefined;
  }
  const number = port.integer('port', PORT_NUMBER);
  port.finish();
  return number === undefined ? undefined : { name, protocol, port: number };
}

function readEndpoint(endpoint: FieldReader, family: 'IPv4' | 'IPv6', hints: HintsOnce): SliceEndpoint | undefined {
  endpoint.require('addresses');
  const addresses = readAddresses(endpoint, family);
  const conditions = endpoint.mapping('conditions');
  // Nil means ready, serving and not terminating (KEP-1672, EndpointConditions).
  const ready = conditions?.boolean('ready') ?? true;
  const serving = conditions?.boolean('serving') ?? true;
  const terminating = conditions?.boolean('terminating') ?? false;
  conditions?.finish();
  const hostname = endpoint.string('hostname');
  const nodeName = endpoint.string('nodeName');
  const zone = endpoint.string('zone');
  const podName = readPodName(endpoint);
  const { zoneHints, nodeHints } = readHints(endpoint);
  hints.notHonoured(endpoint, 'hints', ONLY_RULES);
  // Zone and node have fields of their own; what else stands here is deprecated topology.
  endpoint.ignore('deprecatedTopology');
  endpoint.finish();
  const [first, ...others] = addresses;
  if (first === undefined) return undefined;
  return {
    addresses: [first, ...others],
    conditions: { ready, serving, terminating },
    ...(podName !== undefined && { podName }),
    ...(hostname !== undefined && hostname !== '' && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    ...(zone !== undefined && { zone }),
    ...(zoneHints.length > 0 && { zoneHints }),
    ...(nodeHints.length > 0 && { nodeHints }),
  };
}

function readHints(endpoint: FieldReader): { zoneHints: readonly string[]; nodeHints: readonly string[] } {
  const hints = endpoint.mapping('hints');
  const names = (field: string): readonly string[] =>
    (hints?.mappings(field) ?? []).flatMap((entry) => {
      const name = entry.string('name');
      entry.finish();
      return name ?? [];
    });
  const [zoneHints, nodeHints] = [names('forZones'), names('forNodes')];
  hints?.finish();
  return { zoneHints, nodeHints };
}

function readAddresses(endpoint: FieldReader, family: 'IPv4' | 'IPv6'): readonly string[] {
  const texts = endpoint.strings('addresses');
  if (endpoint.list('addresses')?.length === 0) {
    endpoint.fail('addresses', 'invalid-value', 'Field addresses must hold at least one address.');
  }
  if (texts !== undefined && texts.length > 1) {
    const message = 'Only the first of several addresses is used, as in kube-proxy; give each endpoint one.';
    endpoint.report.report('field-not-honoured', endpoint.at('addresses', 1), message);
  }
  return (texts ?? []).flatMap((text, index) => {
    const parsed = parseIpAddress(text);
    if (parsed?.family === family) return [parsed.address];
    const path = endpoint.at('addresses', index);
    endpoint.report.report(
      'invalid-value',
      path,
      `An address of this slice must be an ${family} address, not "${text}".`,
    );
    return [];
  });
}

function readPodName(endpoint: FieldReader): string | undefined {
  const target = endpoint.mapping('targetRef');
  if (target === undefined) return undefined;
  const kind = target.string('kind');
  const name = target.string('name');
  // A slice's Pods are in the slice's own namespace; the rest identifies a version of the Pod.
  target.ignore('namespace', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath');
  target.finish();
  return kind === 'Pod' ? name : undefined;
}
