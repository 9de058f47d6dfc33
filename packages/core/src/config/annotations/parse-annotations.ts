import type {
  ActiveHealthCheck,
  AnnotationSettings,
  EjectionSample,
  FailurePercentageEjection,
  Hedging,
  SuccessRateEjection,
} from '../../model/index.ts';
import { type AnnotationProblem, AnnotationReader } from './annotation-reader.ts';
import { type AnnotationName, ANNOTATION_PREFIX, ANNOTATIONS } from './annotation-table.ts';
import { closestName } from './closest-name.ts';
import { readBalancing } from './read-balancing.ts';

export interface ParsedAnnotations {
  readonly settings: AnnotationSettings;
  /** Annotation `grpc`, not yet compared with the ports there are: all, none, or names and numbers. */
  readonly grpc?: 'all' | 'none' | readonly string[];
  /** What is here cannot be used, and only that. */
  readonly problems: readonly AnnotationProblem[];
}

/**
 * The annotations of an object under `steelyard.dev/`; all others are somebody else's. Never throws; a bad one costs only
 * itself.
 *
 * @param kind of the object that has them, as its manifest says it
 */
export function parseAnnotations(annotations: Readonly<Record<string, string>>, kind: string): ParsedAnnotations {
  const problems: AnnotationProblem[] = [];
  const readers = new Map<AnnotationName, AnnotationReader>();
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(ANNOTATION_PREFIX)) continue;
    const name = nameOf(annotation);
    if (name !== undefined && ANNOTATIONS[name].on.some((one) => one === kind)) {
      readers.set(name, new AnnotationReader(name, value));
    } else problems.push({ code: 'annotation-unknown', annotation, message: whyUnknown(annotation, name, kind) });
  }
  const read = <T>(name: AnnotationName, how: Read<T>): T | undefined => {
    const reader = readers.get(name);
    if (reader === undefined) return undefined;
    const value = how(reader);
    const good = reader.finish();
    problems.push(...reader.problems);
    return good ? value : undefined;
  };
  const policy = read('load-balancer', readBalancing);
  const subsetSize = read('subset-size', readSubsetSize);
  const healthCheck = read('health-check', settings(readHealthCheck, 'on'));
  const hedging = read('hedging', settings(readHedging));
  const successRate = read('success-rate-ejection', settings(readSuccessRate, 'on'));
  const failurePercentage = read('failure-percentage-ejection', settings(readFailurePercentage, 'on'));
  const grpc = annotations[`${ANNOTATION_PREFIX}grpc`];
  return {
    settings: {
      ...(policy !== undefined && { policy }),
      ...(subsetSize !== undefined && { subsetSize }),
      ...(healthCheck !== undefined && { healthCheck }),
      ...(hedging !== undefined && { hedging }),
      ...(successRate !== undefined && { successRate }),
      ...(failurePercentage !== undefined && { failurePercentage }),
    },
    ...(grpc !== undefined && readers.has('grpc') && { grpc: readGrpc(grpc) }),
    problems,
  };
}

const NAMES = new Set<string>(Object.keys(ANNOTATIONS));

function isAnnotationName(name: string): name is AnnotationName {
  return NAMES.has(name);
}

function nameOf(annotation: string): AnnotationName | undefined {
  const name = annotation.slice(ANNOTATION_PREFIX.length);
  return isAnnotationName(name) ? name : undefined;
}

function whyUnknown(annotation: string, name: AnnotationName | undefined, kind: string): string {
  if (name !== undefined) {
    return `Annotation ${annotation} has no effect on a ${kind}; put it on a ${ANNOTATIONS[name].on.join(' or a ')}.`;
  }
  const meant = closestName(annotation.slice(ANNOTATION_PREFIX.length), [...NAMES]);
  const hint =
    meant === undefined ? `there are ${[...NAMES].join(', ')}.` : `did you mean ${ANNOTATION_PREFIX}${meant}?`;
  return `There is no annotation ${annotation}, so it has no effect; ${hint}`;
}

type Read<T> = (reader: AnnotationReader) => T | undefined;

/** `off`, or settings; `on` where the defaults alone say enough. */
function settings<T>(read: Read<T>, on?: 'on'): Read<T | 'off'> {
  return (reader) => {
    const { word } = reader;
    if (word === 'off') return 'off';
    if (word !== '' && word !== on) {
      return reader.fail(`it may be ${on === undefined ? '' : 'on, '}off, or key=value,…, not "${word}".`);
    }
    return read(reader);
  };
}

function readSubsetSize(reader: AnnotationReader): number | 'off' | undefined {
  const { word } = reader;
  if (word === 'off') return 'off';
  const size = Number(word);
  if (/^\d+$/.test(word) && size >= 1 && size <= 100_000) return size;
  return reader.fail(`it must be a whole number from 1 to 100000, or off, not "${word}".`);
}

const COUNT = { min: 1, max: 100_000 } as const;

function readHealthCheck(reader: AnnotationReader): ActiveHealthCheck {
  return {
    service: reader.text('service') ?? '',
    intervalMs: reader.durationMs('interval') ?? 10_000,
    timeoutMs: reader.durationMs('timeout') ?? 1000,
    unhealthyThreshold: reader.integer('unhealthy-threshold', COUNT) ?? 2,
    healthyThreshold: reader.integer('healthy-threshold', COUNT) ?? 1,
  };
}

function readHedging(reader: AnnotationReader): Hedging | undefined {
  const maxAttempts = reader.integer('max-attempts', { min: 2, max: 5 }) ?? 2;
  const delayMs = reader.durationMs('delay');
  if (delayMs !== undefined) return { maxAttempts, delayMs };
  return reader.has('delay') ? undefined : reader.fail('it needs a delay, as delay=50ms.');
}

/** Defaults of gRFC A50. */
function readSuccessRate(reader: AnnotationReader): SuccessRateEjection {
  const stdevFactor = reader.integer('stdev-factor', { min: 0, max: 1_000_000 }) ?? 1900;
  return { stdevFactor, ...readSample(reader, 100) };
}

function readFailurePercentage(reader: AnnotationReader): FailurePercentageEjection {
  return { threshold: reader.integer('threshold', { min: 0, max: 100 }) ?? 85, ...readSample(reader, 50) };
}

function readSample(reader: AnnotationReader, requestVolume: number): EjectionSample {
  return {
    minimumHosts: reader.integer('minimum-hosts', COUNT) ?? 5,
    requestVolume: reader.integer('request-volume', { min: 1, max: 1_000_000_000 }) ?? requestVolume,
  };
}

function readGrpc(value: string): 'all' | 'none' | readonly string[] {
  const text = value.trim();
  if (text === 'true' || text === 'false') return text === 'true' ? 'all' : 'none';
  return text.split(',').map((port) => port.trim());
}
