import type { ExtendedPolicy, HashKey, ChoosingPolicy } from '../../model/index.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { closestName } from './closest-name.ts';

const POLICIES = [
  'peak-ewma',
  'weighted-round-robin',
  'round-robin',
  'random',
  'least-request',
  'ring-hash',
  'maglev',
] as const;

/** The word of `steelyard.dev/load-balancer` and its settings. */
export function readBalancing(reader: AnnotationReader): ChoosingPolicy | ExtendedPolicy | undefined {
  const { word } = reader;
  const policy = POLICIES.find((one) => one === word);
  switch (policy) {
    case 'peak-ewma':
      return { kind: 'PEAK_EWMA' };
    case 'weighted-round-robin':
      return { kind: 'WEIGHTED_ROUND_ROBIN' };
    case 'round-robin':
      return { kind: 'ROUND_ROBIN' };
    case 'random':
      return { kind: 'RANDOM' };
    case 'least-request':
      return { kind: 'LEAST_REQUEST', choiceCount: reader.integer('choices', { min: 2, max: 100 }) ?? 2 };
    case 'ring-hash': {
      const key = readKey(reader);
      const minimumRingSize = reader.integer('minimum-ring-size', { min: 1, max: 8_388_608 }) ?? 1024;
      return key && { kind: 'RING_HASH', minimumRingSize, key };
    }
    case 'maglev': {
      const key = readKey(reader);
      const tableSize = reader.integer('table-size', { min: 2, max: 5_000_010 }) ?? 65_537;
      if (!isPrime(tableSize)) reader.fail(`table-size must be a prime number, not ${tableSize}.`);
      return key && { kind: 'MAGLEV', tableSize, key };
    }
    case undefined: {
      const meant = closestName(word.toLowerCase().replaceAll('_', '-'), POLICIES);
      const hint = meant === undefined ? `it may be ${POLICIES.join(', ')}` : `did you mean ${meant}?`;
      const problem = word === '' ? 'it names no policy' : `there is no policy "${word}"`;
      return reader.fail(`${problem}; ${hint}${hint.endsWith('?') ? '' : '.'}`);
    }
    default:
      return policy satisfies never;
  }
}

const KEYS = ['header', 'cookie', 'query-parameter', 'source-address'] as const;

function readKey(reader: AnnotationReader): HashKey | undefined {
  const [header, cookie, parameter, source] = KEYS.map((key) => reader.text(key));
  if (KEYS.filter((key) => reader.has(key)).length !== 1) {
    return reader.fail(`hashing needs exactly one of ${KEYS.join(', ')}.`);
  }
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() };
  if (cookie !== undefined) return { kind: 'cookie', name: cookie };
  if (parameter !== undefined) return { kind: 'query-parameter', name: parameter };
  if (source === 'true') return { kind: 'source-address' };
  return source === undefined ? undefined : reader.fail(`source-address may only be true, not "${source}".`);
}

function isPrime(value: number): boolean {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}
