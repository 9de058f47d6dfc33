import type { Pod } from './config-object.ts';
import type { FieldReader } from './field-reader.ts';
import type { Metadata } from './metadata.ts';

/** Of a Pod only its labels matter here: its address and readiness come from EndpointSlices. */
export function parsePod(reader: FieldReader, metadata: Metadata): Pod | undefined {
  reader.ignore('spec');
  return {
    kind: 'Pod',
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels,
    position: metadata.position,
  };
}
