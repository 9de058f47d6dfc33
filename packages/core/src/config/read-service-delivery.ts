import type { Service, ServiceType } from '../model/index.ts';
import type { FieldReader } from './field-reader.ts';
import { parseIpAddress } from './ip-address.ts';

/** What only the kernel's Service rules act on: whose connections are taken, and to which endpoints they may go. */
type ServiceDelivery = Pick<
  Service,
  | 'externalIps'
  | 'loadBalancerIps'
  | 'loadBalancerSourceRanges'
  | 'healthCheckNodePort'
  | 'internalTrafficPolicy'
  | 'externalTrafficPolicy'
  | 'sessionAffinityTimeoutS'
>;

/** The API server's default and bounds (core/v1, `ClientIPConfig`): three hours, at most a day. */
const AFFINITY_SECONDS = { min: 1, max: 86_400, default: 10_800 } as const;
const POLICIES = ['Cluster', 'Local'] as const;

/**
 * Each field that is set gets a Diagnostic, as the proxy's callers get nothing of it; for the addresses that come with a
 * type, the one at `type` speaks for all.
 */
export function readServiceDelivery(object: FieldReader, spec: FieldReader, type: ServiceType): ServiceDelivery {
  const outward = type === 'NodePort' || type === 'LoadBalancer';
  const externalIps = readAddresses(spec, 'externalIPs');
  const loadBalancerIps = type === 'LoadBalancer' ? readIngress(object) : [];
  const sourceRanges = readRanges(spec);
  const internal = spec.word('internalTrafficPolicy', POLICIES);
  // Empty is what the API server keeps where no address faces outward.
  const external =
    spec.value('externalTrafficPolicy') === '' ? 'Cluster' : spec.word('externalTrafficPolicy', POLICIES);
  const healthCheck = spec.value('healthCheckNodePort') === 0 ? undefined : readPort(spec, 'healthCheckNodePort');
  const affinity = readAffinity(spec);
  const outside = "only the Service's rules serve such addresses, the proxy serves the cluster address";
  spec.notHonoured(outside, 'externalIPs', 'loadBalancerSourceRanges');
  if (spec.value('loadBalancerIP') !== '') spec.notHonoured('the addresses in status are used', 'loadBalancerIP');
  if (outward) {
    const message = `Type ${type} is not honoured yet by the proxy, which serves the cluster address only; the Service's rules serve node ports and outside addresses too.`;
    spec.fail('type', 'field-not-honoured', message);
  }
  return {
    ...(externalIps.length > 0 && { externalIps }),
    ...(loadBalancerIps.length > 0 && { loadBalancerIps }),
    ...(sourceRanges.length > 0 && { loadBalancerSourceRanges: sourceRanges }),
    ...(healthCheck !== undefined && type === 'LoadBalancer' && { healthCheckNodePort: healthCheck }),
    ...(internal === 'Local' && { internalTrafficPolicy: internal }),
    ...(external === 'Local' && (outward || externalIps.length > 0) && { externalTrafficPolicy: external }),
    ...(affinity !== undefined && { sessionAffinityTimeoutS: affinity }),
  };
}

function readPort(spec: FieldReader, field: string): number | undefined {
  return spec.integer(field, { min: 1, max: 65_535 });
}

function readAffinity(spec: FieldReader): number | undefined {
  const affinity = spec.word('sessionAffinity', ['None', 'ClientIP']);
  const config = spec.mapping('sessionAffinityConfig');
  const clientIp = config?.mapping('clientIP');
  const seconds = clientIp?.integer('timeoutSeconds', AFFINITY_SECONDS);
  clientIp?.finish();
  config?.finish();
  if (affinity !== 'ClientIP') return undefined;
  const instead = "only the Service's rules follow it, calls of one client may land on any endpoint";
  spec.notHonoured(instead, 'sessionAffinity');
  return seconds ?? AFFINITY_SECONDS.default;
}

function readAddresses(spec: FieldReader, field: string): readonly string[] {
  return (spec.strings(field) ?? []).flatMap((text, index) => {
    const address = parseIpAddress(text)?.address;
    if (address !== undefined) return [address];
    const message = `Each entry of ${field} must be an IP address, not "${text}".`;
    spec.report.report('invalid-value', spec.at(field, index), message);
    return [];
  });
}

/** The API server lets padding pass here, and kube-proxy takes it off. */
function readRanges(spec: FieldReader): readonly string[] {
  const field = 'loadBalancerSourceRanges';
  return (spec.strings(field) ?? []).flatMap((text, index) => {
    const range = parseNetwork(text.trim());
    if (range !== undefined) return [range];
    const message = `Each entry of ${field} must be a network as 10.0.0.0/8, not "${text}".`;
    spec.report.report('invalid-value', spec.at(field, index), message);
    return [];
  });
}

function parseNetwork(text: string): string | undefined {
  const [base = '', bits = '', ...rest] = text.split('/');
  const parsed = parseIpAddress(base);
  if (parsed === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  return Number(bits) <= (parsed.family === 'IPv4' ? 32 : 128) ? `${parsed.address}/${Number(bits)}` : undefined;
}

/** Only ingress with an address and `ipMode` VIP (the default): the others' packets arrive with another destination. */
function readIngress(object: FieldReader): readonly string[] {
  const ingress = object.mapping('status')?.mapping('loadBalancer')?.mappings('ingress') ?? [];
  return ingress.flatMap((entry) => {
    const text = entry.string('ip') ?? '';
    const mode = entry.word('ipMode', ['VIP', 'Proxy']);
    if (text === '' || mode === 'Proxy') return [];
    const address = parseIpAddress(text)?.address;
    if (address === undefined) entry.fail('ip', 'invalid-value', `Field ip must be an IP address, not "${text}".`);
    return address ?? [];
  });
}
