import type { AnnotationSettings, ServicePort } from '../../model/index.ts';
import type { FieldReader } from '../field-reader.ts';
import { type Honourable, HONOURED } from '../honoured.ts';
import { type AnnotationName, ANNOTATION_PREFIX } from './annotation-table.ts';
import { type ParsedAnnotations, parseAnnotations } from './parse-annotations.ts';

/** What happens instead of what an annotation says, while the data plane does not honour it. */
const INSTEAD: readonly (readonly [Honourable, AnnotationName, keyof AnnotationSettings, string])[] = [
  ['extendedPolicy', 'load-balancer', 'policy', 'LEAST_REQUEST holds'],
  ['subsetSize', 'subset-size', 'subsetSize', 'calls go to all endpoints'],
  ['healthCheck', 'health-check', 'healthCheck', 'no endpoint is asked for its health'],
  ['hedging', 'hedging', 'hedging', 'every call is sent once'],
  ['rateEjections', 'success-rate-ejection', 'successRate', 'no endpoint is left out by it'],
  ['rateEjections', 'failure-percentage-ejection', 'failurePercentage', 'no endpoint is left out by it'],
];

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
  for (const [part, name, setting, instead] of INSTEAD) {
    const value = parsed.settings[setting];
    if (HONOURED[part] || value === undefined || value === 'off') continue;
    // Istio's own policies are honoured, whoever names them.
    if (part === 'extendedPolicy' && typeof value === 'object' && !('kind' in value && isExtended(value.kind)))
      continue;
    notHonoured(reader, `${ANNOTATION_PREFIX}${name}`, instead);
  }
  return parsed;
}

function isExtended(kind: string): boolean {
  return kind === 'PEAK_EWMA' || kind === 'WEIGHTED_ROUND_ROBIN';
}

function placeOf(reader: FieldReader, annotation: string): readonly (string | number)[] {
  return reader.at('metadata', 'annotations', annotation);
}

function notHonoured(reader: FieldReader, annotation: string, instead: string): void {
  const message = `Annotation ${annotation} is not honoured yet: ${instead}.`;
  reader.report.report('field-not-honoured', placeOf(reader, annotation), message);
}

/** The numbers of the ports that annotation `grpc` means; a port that is not there is reported. */
export function readGrpcPorts(
  reader: FieldReader,
  grpc: NonNullable<ParsedAnnotations['grpc']>,
  ports: readonly ServicePort[],
): readonly number[] {
  const annotation = `${ANNOTATION_PREFIX}grpc`;
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP');
  if (!HONOURED.grpcPorts && grpc !== 'none') {
    notHonoured(reader, annotation, 'which ports carry gRPC follows from their names and appProtocol');
  }
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
