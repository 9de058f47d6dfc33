import type { ServicePort } from '../../model/index.ts';
import type { FieldReader } from '../field-reader.ts';
import { ANNOTATION_PREFIX } from './annotation-table.ts';
import { type ParsedAnnotations, parseAnnotations } from './parse-annotations.ts';

/** The annotations of the object that `reader` reads; what is wrong with them is reported where they stand. */
export function readAnnotations(
  reader: FieldReader,
  kind: string,
  annotations: Readonly<Record<string, string>>,
): ParsedAnnotations {
  const parsed = parseAnnotations(annotations, kind);
  for (const { code, annotation, message } of parsed.problems) {
    reader.report.report(code, placeOf(reader, annotation), message);
  }
  return parsed;
}

function placeOf(reader: FieldReader, annotation: string): readonly (string | number)[] {
  return reader.at('metadata', 'annotations', annotation);
}

/** The numbers of the ports that annotation `grpc` means; a port that is not there is reported. */
export function readGrpcPorts(
  reader: FieldReader,
  grpc: NonNullable<ParsedAnnotations['grpc']>,
  ports: readonly ServicePort[],
): readonly number[] {
  const annotation = `${ANNOTATION_PREFIX}grpc`;
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP');
  if (grpc === 'none') return [];
  if (grpc === 'all') return tcp.map(({ port }) => port);
  return grpc.flatMap((wanted) => {
    const found = tcp.find(({ name, port }) => name === wanted || `${port}` === wanted);
    if (found !== undefined) return found.port;
    const known = tcp.map(({ name, port }) => (name === '' ? `${port}` : `${port} (${name})`)).join(', ') || 'none';
    const message = `Annotation ${annotation} names "${wanted}", which is no TCP port of this Service (it has ${known}); it may be true, false, or ports.`;
    reader.report.report('annotation-invalid', placeOf(reader, annotation), message);
    return [];
  });
}
