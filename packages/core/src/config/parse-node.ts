import type { NodeObject } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { parseIpAddress } from './ip-address.ts';
import type { Metadata } from './metadata.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** Of a Node: its name and zone, its own addresses and its Pods' networks. */
export function parseNode(reader: FieldReader, metadata: Metadata): NodeObject | undefined {
  const spec = reader.mapping('spec');
  const several = spec?.strings('podCIDRs') ?? [];
  const single = spec?.string('podCIDR');
  const zone = metadata.labels[ZONE_LABEL];
  return {
    kind: 'Node',
    namespace: metadata.namespace,
    name: metadata.name,
    ...(zone !== undefined && zone !== '' && { zone }),
    internalIps: readInternalIps(reader.mapping('status')),
    podCidrs: several.length > 0 || single === undefined ? several : [single],
    position: metadata.position,
  };
}

function readInternalIps(status: FieldReader | undefined): readonly string[] {
  return (status?.mappings('addresses') ?? []).flatMap((entry) => {
    if (entry.string('type') !== 'InternalIP') return [];
    const text = entry.string('address') ?? '';
    const address = parseIpAddress(text)?.address;
    if (address === undefined) {
      entry.fail('address', 'invalid-value', `An InternalIP must be an IP address, not "${text}".`);
    }
    return address ?? [];
  });
}
