import type { ObjectRef, SourcePosition } from '../model/index.ts';
import { ANNOTATION_PREFIX } from './annotations/annotation-table.ts';
import { type FieldReader, isMapping } from './field-reader.ts';
import { isDnsLabel, isDnsSubdomain } from './names.ts';

/** What every kind has in common. */
export interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The parts of annotation `networking.istio.io/exportTo`. */
  readonly exportTo?: readonly string[];
  /** The value of annotation `networking.istio.io/traffic-distribution`. */
  readonly trafficDistribution?: string;
  /** Those under `steelyard.dev/`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** 0 when absent. */
  readonly createdAtMs: number;
  readonly position: SourcePosition;
}

/** Bookkeeping of the API server and of tools, which cannot influence balancing. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'managedFields',
  'ownerReferences',
  'finalizers',
  'generateName',
  'selfLink',
  // An object under deletion is in force until it is gone.
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]);

/** Istio's, from before Kubernetes had a field for it. */
export const TRAFFIC_DISTRIBUTION = 'networking.istio.io/traffic-distribution';

/** Which namespaces see a Service; the other kinds have a field for it. */
const EXPORT_TO = 'networking.istio.io/exportTo';

/** Annotations are free text for others, except these, which a cluster or Istio balances by. */
const BALANCING_ANNOTATIONS = Object.entries({
  'service.kubernetes.io/topology-mode': 'calls go to all endpoints, near and far alike',
  'service.kubernetes.io/topology-aware-hints': 'calls go to all endpoints, near and far alike',
});

/** Labels are for selecting, except these. */
const BALANCING_LABELS = Object.entries({
  'service.kubernetes.io/service-proxy-name':
    "only the Service's rules leave it out, its calls are balanced as any other's",
  'istio.io/persistent-session': 'calls of one session may land on different endpoints',
});

/** Only kind, namespace and name, and no finding: enough to say which object is broken. */
export function peekRef(kind: string, reader: FieldReader, defaultNamespace: string): ObjectRef | undefined {
  const metadata = reader.value('metadata');
  if (!isMapping(metadata)) return undefined;
  const { name, namespace = defaultNamespace } = metadata;
  if (typeof name !== 'string' || name === '' || typeof namespace !== 'string') return undefined;
  return { kind, namespace: namespace === '' ? defaultNamespace : namespace, name };
}

/** `undefined` when an error was reported. */
export function parseMetadata(reader: FieldReader, defaultNamespace: string): Metadata | undefined {
  const metadata = reader.mapping('metadata');
  reader.require('metadata');
  if (metadata === undefined) return undefined;
  metadata.require('name');
  const name = metadata.string('name');
  if (name !== undefined && !isDnsSubdomain(name)) {
    metadata.fail('name', 'invalid-value', `Field name must be a DNS name in lower case, not "${name}".`);
  }
  const given = metadata.string('namespace');
  const namespace = given === undefined || given === '' ? defaultNamespace : given;
  if (!isDnsLabel(namespace)) {
    metadata.fail('namespace', 'invalid-value', `Field namespace must be a DNS label, not "${namespace}".`);
  }
  const labels = metadata.stringMap('labels') ?? {};
  for (const [label, instead] of BALANCING_LABELS) {
    if (Object.hasOwn(labels, label)) notHonoured(metadata, 'labels', label, instead);
  }
  const annotations = metadata.stringMap('annotations') ?? {};
  for (const [annotation, instead] of BALANCING_ANNOTATIONS) {
    if (Object.hasOwn(annotations, annotation)) notHonoured(metadata, 'annotations', annotation, instead);
  }
  const createdAtMs = readTimestamp(metadata, 'creationTimestamp') ?? 0;
  metadata.finish(BOOKKEEPING);
  if (name === undefined || metadata.report.hasErrors) return undefined;
  const trafficDistribution = annotations[TRAFFIC_DISTRIBUTION];
  const exportTo = annotations[EXPORT_TO]?.split(',').map((part) => part.trim());
  return {
    namespace,
    name,
    labels,
    ...(exportTo !== undefined && { exportTo: exportTo.filter((part) => part !== '') }),
    ...(trafficDistribution !== undefined && { trafficDistribution }),
    annotations: ours(annotations),
    createdAtMs,
    position: reader.report.position([]),
  };
}

function notHonoured(metadata: FieldReader, field: string, key: string, instead: string): void {
  metadata.report.report('field-not-honoured', metadata.at(field, key), `${key} is not honoured yet: ${instead}.`);
}

const NONE: Readonly<Record<string, string>> = {};

function ours(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(ANNOTATION_PREFIX));
  return own.length === 0 ? NONE : Object.fromEntries(own);
}

function readTimestamp(reader: FieldReader, field: string): number | undefined {
  const text = reader.string(field);
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  return reader.fail(field, 'invalid-value', `Field ${field} must be an RFC 3339 time, not "${text}".`);
}
