import type { ServiceCidr } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { parseIpAddress } from './ip-address.ts';
import type { Metadata } from './metadata.ts';

const MOST_BITS = { IPv4: 32, IPv6: 128 };

/** The networks that addresses of Services are taken from (KEP-1880). */
export function parseServiceCidr(reader: FieldReader, metadata: Metadata): ServiceCidr {
  const spec = reader.mapping('spec');
  const cidrs = (spec?.strings('cidrs') ?? []).flatMap((text) => {
    const [address = '', bits = '', ...rest] = text.split('/');
    const parsed = parseIpAddress(address);
    const isNetwork = parsed !== undefined && rest.length === 0 && /^\d{1,3}$/.test(bits);
    if (isNetwork && Number(bits) <= MOST_BITS[parsed.family]) return [`${parsed.address}/${Number(bits)}`];
    spec?.fail('cidrs', 'invalid-value', `A network is written ADDRESS/BITS, not "${text}".`);
    return [];
  });
  return {
    kind: 'ServiceCIDR',
    namespace: metadata.namespace,
    name: metadata.name,
    cidrs,
    position: metadata.position,
  };
}
