import type { NodeObject } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { parseIpAddress } from './ip-address.ts';
import type { Metadata } from './metadata.ts';

const REGION_LABEL = 'topology.kubernetes.io/region';
const ZONE_LABEL = 'topology.kubernetes.io/zone';
const SUBZONE_LABEL = 'topology.istio.io/subzone';

/** Of a Node: its name and place, its own addresses and its Pods' networks. */
export function parseNode(reader: FieldReader, metadata: Metadata): NodeObject | undefined {
  const spec = reader.mapping('spec');
  const several = spec?.strings('podCIDRs') ?? [];
  const single = spec?.string('podCIDR');
  const { labels } = metadata;
  const [region = '', zone = '', subzone = ''] = [labels[REGION_LABEL], labels[ZONE_LABEL], labels[SUBZONE_LABEL]];
  return {
    kind: 'Node',
    namespace: metadata.namespace,
    name: metadata.name,
    ...(region !== '' && { region }),
    ...(zone !== '' && { zone }),
    ...(subzone !== '' && { subzone }),
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
