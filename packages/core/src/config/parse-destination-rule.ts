import { readAnnotations } from './annotations/read-annotations.ts';
import type { DestinationRule, Subset } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import { readExportTo, readHost } from './host-pattern.ts';
import type { Metadata } from './metadata.ts';
import { readDnsLabel } from './names.ts';
import { parseTrafficPolicy } from './parse-traffic-policy.ts';

export function parseDestinationRule(reader: FieldReader, metadata: Metadata): DestinationRule | undefined {
  reader.require('spec');
  const spec = reader.mapping('spec');
  if (spec === undefined) return undefined;
  spec.require('host');
  const host = readHost(spec, 'host');
  const exportTo = readExportTo(spec);
  const trafficPolicy = parseTrafficPolicy(spec);
  const subsets = readSubsets(spec);
  const selector = spec.mapping('workloadSelector');
  const workloadSelector = selector?.stringMap('matchLabels') ?? {};
  selector?.finish();
  spec.finish();
  const { settings: annotations } = readAnnotations(reader, 'DestinationRule', metadata.annotations);
  if (reader.report.hasErrors || host === undefined) return undefined;
  return {
    kind: 'DestinationRule',
    namespace: metadata.namespace,
    name: metadata.name,
    createdAtMs: metadata.createdAtMs,
    host,
    exportTo,
    ...(selector !== undefined && { workloadSelector }),
    ...(trafficPolicy !== undefined && { trafficPolicy }),
    subsets,
    ...(Object.keys(annotations).length > 0 && { annotations }),
    position: metadata.position,
  };
}

function readSubsets(spec: FieldReader): readonly Subset[] {
  const names = new Set<string>();
  return (spec.mappings('subsets') ?? []).flatMap((reader) => {
    reader.require('name');
    const name = readDnsLabel(reader, 'name');
    const labels = reader.stringMap('labels') ?? {};
    const trafficPolicy = parseTrafficPolicy(reader);
    reader.finish();
    if (name === undefined) return [];
    if (names.has(name)) reader.fail('name', 'invalid-value', `Subset "${name}" occurs twice; rename one.`);
    names.add(name);
    return [{ name, labels, ...(trafficPolicy !== undefined && { trafficPolicy }), place: reader.place() }];
  });
}
